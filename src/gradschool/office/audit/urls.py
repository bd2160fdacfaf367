"""The page of the audit log."""

from django.urls import path

from gradschool.office.audit import views

app_name = "audit"
urlpatterns = [path("<slug:offering>/staff/log/", views.entries, name="entries")]
