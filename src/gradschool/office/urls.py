"""Every URL of the office, by room."""

from django.urls import include, path

urlpatterns = [
    path("", include("gradschool.office.monitoring.urls")),
    path("", include("gradschool.office.people.urls")),
    # Before handin: "staff/grades" is no problem set.
    path("", include("gradschool.office.gradebook.urls")),
    path("", include("gradschool.office.regrade.urls")),
    path("", include("gradschool.office.audit.urls")),
    path("", include("gradschool.office.keeping.urls")),
    path("", include("gradschool.office.leaderboard.urls")),
    path("", include("gradschool.office.marking.urls")),
    path("", include("gradschool.office.similarity.urls")),
    path("", include("gradschool.office.queue.urls")),
    path("", include("gradschool.office.handin.urls")),
    path("", include("gradschool.office.theory.urls")),
    path("", include("gradschool.office.site.urls")),
]

handler403 = "gradschool.office.site.views.forbidden"
handler404 = "gradschool.office.site.views.not_found"
handler500 = "gradschool.office.site.views.server_error"
handler400 = "gradschool.office.site.views.bad_request"
