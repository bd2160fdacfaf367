"""What those ask who watch the service."""

from django.urls import path

from gradschool.office.monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("health/", views.healthy, name="health"),
    path("metrics", views.numbers, name="metrics"),
]
