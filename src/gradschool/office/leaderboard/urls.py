"""Leaderboards."""

from django.urls import path

from gradschool.office.leaderboard import views

app_name = "leaderboard"
urlpatterns = [
    path("<slug:offering>/problems/<slug:problem>/board/", views.board, name="board"),
    path("<slug:offering>/board-name", views.choose_name, name="choose_name"),
    path("<slug:offering>/submissions/<uuid:pk>/board", views.withdraw, name="withdraw"),
]
