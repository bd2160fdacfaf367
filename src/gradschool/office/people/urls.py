"""Accounts, and who is in an offering."""

from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST

from gradschool.office.people import roster_pages, views

app_name = "people"
form = require_http_methods(["GET", "HEAD", "POST"])
urlpatterns = [
    path("signin", form(views.SignIn.as_view()), name="signin"),
    path("signout", require_POST(views.SignOut.as_view()), name="signout"),
    path("account", views.account, name="account"),
    path("account/tokens/<int:pk>/revoke", views.revoke_token, name="revoke_token"),
    path("account/calendar", views.calendar_address, name="calendar_address"),
    path("api/token", views.api_token, name="api_token"),
    path("<slug:offering>/staff/people/", roster_pages.people, name="people"),
    path("<slug:offering>/staff/people/<int:pk>/", roster_pages.person, name="person"),
    path("<slug:offering>/staff/people/<int:pk>/change", roster_pages.change_place, name="change_place"),
    path("<slug:offering>/staff/roster/", roster_pages.roster_import, name="roster_import"),
    path("<slug:offering>/staff/roster/<int:pk>/", roster_pages.import_preview, name="import_preview"),
    path("<slug:offering>/staff/roster/<int:pk>/apply", roster_pages.import_apply, name="import_apply"),
    path("<slug:offering>/staff/roster/<int:pk>/undo", roster_pages.import_undo, name="import_undo"),
]
