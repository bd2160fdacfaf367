"""Questions of problem sets, and their hints."""

from django.urls import path

from gradschool.office.theory import views

app_name = "theory"
urlpatterns = [
    path("<slug:offering>/problems/<slug:problem>/answers/", views.sheet, name="sheet"),
    path("<slug:offering>/problems/<slug:problem>/answers/reading", views.reading, name="reading"),
    path("<slug:offering>/staff/<slug:problem>/hints/", views.ladders, name="hints"),
    path("<slug:offering>/staff/<slug:problem>/hints/open", views.open_hint, name="open_hint"),
]
