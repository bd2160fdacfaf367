"""The queue, for the staff."""

from django.urls import path

from gradschool.office.queue import views

app_name = "queue"
urlpatterns = [
    path("<slug:offering>/staff/queue/", views.queue, name="queue"),
    path("<slug:offering>/staff/queue/<int:pk>/try-again", views.try_again, name="try_again"),
]
