"""Marking by hand, for staff and students."""

from django.urls import path

from gradschool.office.marking import answers, rubrics, views

app_name = "marking"
urlpatterns = [
    path("<slug:offering>/staff/<slug:problem>/marking/", views.questions, name="questions"),
    path("<slug:offering>/staff/<slug:problem>/marking/add", rubrics.add, name="add"),
    path("<slug:offering>/staff/<slug:problem>/requests/", views.requests, name="requests"),
    path("<slug:offering>/marking/<int:question>/rubric", rubrics.rubric, name="rubric"),
    path("<slug:offering>/marking/<int:question>/publish", views.publish, name="publish"),
    path("<slug:offering>/marking/<int:question>/next", views.next_answer, name="next"),
    path("<slug:offering>/marking/<int:question>/agreement/", views.agreement, name="agreement"),
    path("<slug:offering>/marking/answers/<int:writing>/<int:place>/", views.mark, name="mark"),
    path("<slug:offering>/marking/requests/<int:regrade>/answer", views.answer, name="answer"),
    path("<slug:offering>/submissions/<uuid:pk>/pages", answers.pages, name="pages"),
    path("<slug:offering>/submissions/<uuid:pk>/questions/<slug:key>/ask", answers.ask, name="ask"),
    path("<slug:offering>/papers/<int:paper>/<int:number>.webp", answers.page_image, name="page_image"),
]
