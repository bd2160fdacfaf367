"""Pages of regrades."""

from django.urls import path

from gradschool.office.regrade import views

app_name = "regrade"
urlpatterns = [
    path("<slug:offering>/staff/regrades/", views.regrades, name="regrades"),
    path("<slug:offering>/staff/regrades/<int:pk>/", views.regrade, name="regrade"),
    path("<slug:offering>/staff/regrades/<int:pk>/status", views.status, name="status"),
    path("<slug:offering>/staff/regrades/<int:pk>/decide", views.decide, name="decide"),
]
