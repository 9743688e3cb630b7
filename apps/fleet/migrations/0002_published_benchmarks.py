"""What ATRI's reports say of costs per mile, as far as the press quotes them; the other lines are for staff to add."""

from decimal import Decimal

from django.db import migrations

_2022 = "ATRI, An Analysis of the Operational Costs of Trucking; as quoted by natcotransport.com"
_2023 = "ATRI, An Analysis of the Operational Costs of Trucking; as quoted by concreteproducts.com"
_2024 = "ATRI, An Analysis of the Operational Costs of Trucking; as quoted by truckersnews.com"
_2023_FUEL = f"{_2023}: total 2.270 less 1.716 without fuel"
_2024_FUEL = f"{_2024}: total 2.26 less 1.779 without fuel"
ROWS = [
    (2022, "fuel", "0.641", _2022, "2023 update"),
    (2022, "payments", "0.331", _2022, "2023 update"),
    (2022, "repair_maintenance", "0.196", _2022, "2023 update"),
    (2022, "insurance", "0.088", _2022, "2023 update"),
    (2022, "tires", "0.045", _2022, "2023 update"),
    (2022, "tolls", "0.028", _2022, "2023 update"),
    (2022, "driver_wages", "0.724", _2022, "2023 update"),
    (2023, "fuel", "0.554", _2023_FUEL, "2024 update"),
    (2023, "payments", "0.360", _2023, "2024 update"),
    (2023, "repair_maintenance", "0.202", _2023, "2024 update"),
    (2023, "insurance", "0.099", _2023, "2024 update"),
    (2023, "driver_wages", "0.779", _2023, "2024 update"),
    (2024, "fuel", "0.481", _2024_FUEL, "2025 update"),
    (2024, "payments", "0.390", _2024, "2025 update"),
    (2024, "driver_benefits", "0.197", _2024, "2025 update"),
]


def add(apps, schema_editor):
    benchmark = apps.get_model("fleet", "Benchmark")
    benchmark.objects.bulk_create(
        benchmark(year=year, line=line, amount=Decimal(amount), unit="mile", currency="USD", source=source, edition=of)
        for year, line, amount, source, of in ROWS
    )


def remove(apps, schema_editor):
    apps.get_model("fleet", "Benchmark").objects.filter(year__in=(2022, 2023, 2024)).delete()


class Migration(migrations.Migration):

    replaces = [
        ("fleet", "0007_atri_benchmark"),
    ]

    dependencies = [
        ("fleet", "0001_tables"),
    ]

    operations = [
        migrations.RunPython(add, remove),
    ]
