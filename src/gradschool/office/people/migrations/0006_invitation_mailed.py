from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0005_identities"),
    ]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="mailed_at",
            field=models.DateTimeField(help_text="When a mail server took it.", null=True),
        ),
    ]
