"""The pages of the course itself. The last room in the list of URLs: an offering's slug matches almost anything."""

from django.urls import path

from gradschool.office.site import views

app_name = "site"
urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("calendar/<str:token>.ics", views.calendar, name="calendar"),
    path("library/", views.library, name="library"),
    path("library/<slug:name>/", views.method, name="method"),
    path("library/<slug:name>/figures/<str:file>", views.figure, name="figure"),
    path("<slug:offering>/", views.schedule, name="schedule"),
    path("<slug:offering>/modules/<slug:module>/", views.module, name="module"),
    path("<slug:offering>/project/", views.project, name="project"),
    path("<slug:offering>/faq/", views.faq, name="faq"),
    path("<slug:offering>/about/", views.about, name="about"),
]
