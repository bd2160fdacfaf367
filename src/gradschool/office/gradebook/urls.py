"""Pages of grades."""

from django.urls import path

from gradschool.office.gradebook import staff, transfer, views

app_name = "gradebook"
urlpatterns = [
    path("<slug:offering>/grades/", views.mine, name="mine"),
    path("<slug:offering>/grades/what-if/", views.what_if, name="what_if"),
    path("<slug:offering>/staff/grades/", staff.everyone, name="class"),
    path("<slug:offering>/staff/grades/statistics/", staff.statistics, name="statistics"),
    path("<slug:offering>/staff/grades/files/", transfer.files, name="files"),
    path("<slug:offering>/staff/grades/files/<slug:form>.csv", transfer.download, name="download"),
    path("<slug:offering>/staff/grades/files/canvas/fill", transfer.fill_canvas, name="fill_canvas"),
    path("<slug:offering>/staff/grades/imports/", transfer.upload, name="upload"),
    path("<slug:offering>/staff/grades/imports/<int:pk>/", transfer.preview, name="import"),
    path("<slug:offering>/staff/grades/imports/<int:pk>/<slug:step>", transfer.decide, name="decide"),
    path("<slug:offering>/staff/students/<int:student>/", views.student, name="student"),
    path("<slug:offering>/staff/students/<int:student>/what-if/", views.student_what_if, name="student_what_if"),
    path("<slug:offering>/staff/students/<int:student>/override", staff.override, name="override"),
]
