"""Pages of grades."""

from django.urls import path

from gradschool.office.gradebook import views

app_name = "gradebook"
urlpatterns = [
    path("<slug:offering>/grades/", views.mine, name="mine"),
    path("<slug:offering>/staff/grades/", views.everyone, name="class"),
    path("<slug:offering>/staff/students/<int:student>/", views.student, name="student"),
]
