"""Pages of similarity, for the staff."""

from django.urls import path

from gradschool.office.similarity import views

app_name = "similarity"
urlpatterns = [
    path("<slug:offering>/staff/similarity/", views.problem_sets, name="problem_sets"),
    path("<slug:offering>/staff/similarity/pairs/<int:pk>/", views.pair, name="pair"),
    path("<slug:offering>/staff/similarity/<slug:problem>/", views.pairs, name="pairs"),
    path("<slug:offering>/staff/similarity/<slug:problem>/compare", views.compare, name="compare"),
]
