"""Accounts, and who is in an offering."""

from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.generic import TemplateView

from gradschool.office.people import admission_pages, oidc, roster_pages, views

app_name = "people"
form = require_http_methods(["GET", "HEAD", "POST"])
urlpatterns = [
    path("signin", form(views.SignIn.as_view()), name="signin"),
    path("signout", require_POST(views.SignOut.as_view()), name="signout"),
    path("account", views.account, name="account"),
    path("account/tokens/<int:pk>/revoke", views.revoke_token, name="revoke_token"),
    path("account/password", form(views.ChangePassword.as_view()), name="change_password"),
    path("account/sessions/<uuid:pk>/end", views.end_session, name="end_session"),
    path("account/sessions/end-others", views.end_other_sessions, name="end_other_sessions"),
    path("password", form(views.Forgotten.as_view()), name="forgotten"),
    path(
        "password/sent",
        require_safe(TemplateView.as_view(template_name="people/forgotten_sent.html")),
        name="forgotten_sent",
    ),
    path("password/<uidb64>/<token>/", form(views.NewPassword.as_view()), name="new_password"),
    path("oidc/start", oidc.start, name="oidc_start"),
    path("oidc/callback", oidc.callback, name="oidc_callback"),
    path("invitations/<str:token>/", admission_pages.invitation, name="invitation"),
    path("account/calendar", views.calendar_address, name="calendar_address"),
    path("api/token", views.api_token, name="api_token"),
    path("<slug:offering>/access/", admission_pages.access, name="access"),
    path("<slug:offering>/staff/access/", admission_pages.access_requests, name="access_requests"),
    path("<slug:offering>/staff/access/<int:pk>/decide", admission_pages.decide_access, name="decide_access"),
    path("<slug:offering>/staff/invitations/", admission_pages.invitations, name="invitations"),
    path("<slug:offering>/staff/invitations/class/", admission_pages.invite_class, name="invite_class"),
    path(
        "<slug:offering>/staff/invitations/<int:pk>/revoke",
        admission_pages.revoke_invitation,
        name="revoke_invitation",
    ),
    path("<slug:offering>/staff/people/", roster_pages.people, name="people"),
    path("<slug:offering>/staff/people/<int:pk>/", roster_pages.person, name="person"),
    path("<slug:offering>/staff/people/<int:pk>/change", roster_pages.change_place, name="change_place"),
    path("<slug:offering>/staff/roster/", roster_pages.roster_import, name="roster_import"),
    path("<slug:offering>/staff/roster/<int:pk>/", roster_pages.import_preview, name="import_preview"),
    path("<slug:offering>/staff/roster/<int:pk>/apply", roster_pages.import_apply, name="import_apply"),
    path("<slug:offering>/staff/roster/<int:pk>/undo", roster_pages.import_undo, name="import_undo"),
]
