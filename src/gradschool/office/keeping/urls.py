"""Downloads of what is kept about somebody."""

from django.urls import path

from gradschool.office.keeping import views

app_name = "keeping"
urlpatterns = [
    path("<slug:offering>/my-data.zip", views.mine, name="mine"),
    path("<slug:offering>/staff/students/<int:student>/data.zip", views.theirs, name="theirs"),
]
