from django.apps import AppConfig


class TrucksConfig(AppConfig):
    name = "apps.trucks"
    verbose_name = "Trucks"

    def ready(self) -> None:
        from apps.trucks import facts

        facts.watch()
