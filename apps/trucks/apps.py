from django.apps import AppConfig


class TrucksConfig(AppConfig):
    name = "apps.trucks"
    verbose_name = "Trucks"
