"""All URLs. Which of them go through which handler is decided in asgi.py."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from apps.fleet.pages.costs import page as cost_page
from apps.fleet.pages.driving import page as driver_page
from apps.fleet.pages.utilization import page as use_page
from fleet_project import health
from fleet_project.api import api
from fleet_project.metrics import metrics

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("api/v2/", api.urls),
    path("healthz", health.healthz),
    path("healthz/pool", health.pool),
    path("readyz", health.readyz),
    path("metrics", metrics),
    path("admin/costs/", admin.site.admin_view(cost_page.view), name="costs"),
    path("admin/utilization/", admin.site.admin_view(use_page.view), name="utilization"),
    path("admin/drivers/", admin.site.admin_view(driver_page.view), name="drivers"),
    path("admin/", admin.site.urls),
]
