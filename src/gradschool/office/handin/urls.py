"""Problem sets, hand-ins and their reports."""

from django.urls import path

from gradschool.office.handin import extension_pages, views

app_name = "handin"
urlpatterns = [
    path("receipts/verify", views.verify, name="verify"),
    path("api/<slug:offering>/problems/<slug:problem>/submissions", views.api_hand_in, name="api_hand_in"),
    path("api/<slug:offering>/submissions/<uuid:pk>", views.api_submission, name="api_submission"),
    path("<slug:offering>/problems/", views.problems, name="problems"),
    path("<slug:offering>/problems/<slug:problem>/", views.problem, name="problem"),
    path("<slug:offering>/problems/<slug:problem>/hand-in", views.hand_in, name="hand_in"),
    path("<slug:offering>/problems/<slug:problem>/handout.zip", views.handout, name="handout"),
    path("<slug:offering>/submissions/<uuid:pk>/", views.submission, name="submission"),
    path("<slug:offering>/submissions/<uuid:pk>/status", views.status, name="status"),
    path("<slug:offering>/submissions/<uuid:pk>/receipt.txt", views.receipt, name="receipt"),
    path("<slug:offering>/submissions/<uuid:pk>/files.zip", views.files, name="files"),
    path("<slug:offering>/submissions/<uuid:pk>/grade-again", views.grade_again, name="grade_again"),
    path("<slug:offering>/staff/extensions/", extension_pages.extensions, name="extensions"),
    path("<slug:offering>/staff/extensions/<int:pk>/revoke", extension_pages.revoke_extension, name="revoke_extension"),
    path(
        "<slug:offering>/staff/extensions/<int:pk>/document",
        extension_pages.extension_document,
        name="extension_document",
    ),
    path("<slug:offering>/staff/<slug:problem>/", views.staff_problem, name="staff_problem"),
]
