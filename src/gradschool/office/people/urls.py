"""Sign-in and account pages."""

from django.urls import path

from gradschool.office.people import views

app_name = "people"
urlpatterns = [
    path("signin", views.SignIn.as_view(), name="signin"),
    path("signout", views.SignOut.as_view(), name="signout"),
    path("account", views.account, name="account"),
    path("account/tokens/<int:pk>/revoke", views.revoke_token, name="revoke_token"),
    path("api/token", views.api_token, name="api_token"),
]
