"""Users, offerings, sections, and who is enrolled where in which role."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.signing import BadSignature, Signer
from django.db import models


class UserManager(BaseUserManager["User"]):
    """Users are found by e-mail address; case does not tell two of them apart."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def create_user(self, email: str, name: str, password: str | None = None, *, is_demo: bool = False) -> User:
        """A new user. Without a password the account cannot sign in until one is set."""
        user = self.model(email=email.strip().lower(), name=name, is_demo=is_demo)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    """A person with an account. What a user may do follows from enrolments alone, see `permissions`."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False, help_text="May sign in from the machine itself only.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]  # noqa: RUF012 (Django wants a list)

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class Offering(models.Model):
    """A course in a term. Every other row of the office hangs on one."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    term = models.CharField(max_length=100)
    zone = models.CharField(max_length=64, help_text="IANA name of the zone in which due times are read.")
    folder = models.CharField(max_length=1000, help_text="The course folder that was applied.")
    shift_weeks = models.IntegerField(default=0, help_text="All dates of the folder are moved by so many weeks.")
    applied_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.title}, {self.term}"


class Section(models.Model):
    """A part of an offering with its own roster and its own required points, such as CS 7643."""

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="sections")
    code = models.CharField(max_length=50)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["offering", "code"], name="one_section_of_a_code"),)

    def __str__(self) -> str:
        return self.code


class Role(models.TextChoices):
    INSTRUCTOR = "instructor", "Instructor"
    TA = "ta", "Teaching assistant"
    STUDENT = "student", "Student"
    OBSERVER = "observer", "Observer"
    APPLICANT = "applicant", "Applicant"


class Place(models.TextChoices):
    """Whether somebody is in the course now. A place that was given is never taken away with its work, only left."""

    ACTIVE = "active", "active"
    DROPPED = "dropped", "dropped"


class Enrolments(models.QuerySet["Enrolment"]):
    """Enrolments, by what is asked of them most."""

    def active(self) -> Enrolments:
        """Without those who have left."""
        return self.filter(state=Place.ACTIVE)

    def students(self) -> Enrolments:
        """Students who are in the course now."""
        return self.active().filter(role=Role.STUDENT)


class Enrolment(models.Model):
    """One user's place in one offering. A section bounds what a teaching assistant or observer sees; none is all."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="enrolments")
    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="enrolments")
    section = models.ForeignKey(Section, on_delete=models.PROTECT, null=True, blank=True, related_name="enrolments")
    role = models.CharField(max_length=20, choices=Role.choices)
    state = models.CharField(max_length=10, choices=Place.choices, default=Place.ACTIVE)
    sid = models.CharField(max_length=64, blank=True, help_text="The student number that rosters give.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Enrolments.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "offering"], name="one_enrolment_in_an_offering"),
            models.CheckConstraint(
                condition=~models.Q(role="student") | models.Q(section__isnull=False), name="a_student_has_a_section"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user.name}, {self.get_role_display()} of {self.offering}"


class RosterImport(models.Model):
    """A roster file as it was read, the changes that it asks for, and whether they were made or taken back."""

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="roster_imports")
    file_name = models.CharField(max_length=200)
    source = models.CharField(max_length=40, help_text="Whose format the file has.")
    scope = models.JSONField(help_text="Codes of the sections that the file is the whole roster of.")
    rows = models.JSONField(help_text="The students that the file lists.")
    notes = models.JSONField(default=list, help_text="What was left out or left as it is, a sentence each.")
    changes = models.JSONField(help_text="As last shown; once applied, what was done, with the values before.")
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.file_name}, {self.uploaded_at:%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """A link, mailed to one address, that gives its holder a place in an offering, once. Only the link's hash is kept.

    Somebody who asks for access without an account gets one to themselves: to the place of an applicant.
    """

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices)
    section = models.ForeignKey(Section, on_delete=models.PROTECT, null=True, related_name="+")
    message = models.TextField(blank=True, help_text="What an applicant wrote.")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, help_text="When a mail server took it.")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.offering} for {self.email}"


class AccessRequest(models.Model):
    """What an applicant asked for, and what was decided."""

    enrolment = models.OneToOneField(Enrolment, on_delete=models.CASCADE, related_name="access_request")
    message = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    admitted = models.BooleanField(null=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"Request of {self.enrolment.user.name}"


class Session(AbstractBaseSession):
    """A browser that is signed in, or has been here. Its key opens the session, so pages name it by `public`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")
    public = models.UUIDField(null=True, db_index=True)  # two rows have it for a moment when a session gets another key
    agent = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=60, blank=True)
    opened_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["expire_date"], name="sessions_by_their_end"),)

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from gradschool.office.people.sessions import SessionStore  # which stores rows of this model

        return SessionStore


class Attempt(models.Model):
    """Something that may be tried only so often; `key` is a hash of who tried what."""

    key = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class ApiToken(models.Model):
    """What the command line signs in with. Only a hash is kept; the token itself is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.label} of {self.user.name}"

    @staticmethod
    def digest_of(token: str) -> str:
        """SHA-256 of a token: enough for 256 random bits, which no dictionary holds."""
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(cls, user: User, label: str) -> str:
        """Make a token for `user` and return it; it cannot be shown again."""
        token = f"gs_{secrets.token_urlsafe(32)}"
        cls.objects.create(user=user, digest=cls.digest_of(token), label=label[:100])
        return token


class Identity(models.Model):
    """Who an account is to an OpenID Connect provider. Addresses change; the subject at its issuer does not."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_of_a_subject"),
            models.UniqueConstraint(fields=["issuer", "user"], name="one_subject_of_an_account"),
        )

    def __str__(self) -> str:
        return f"{self.user.name} at {self.issuer}"


class CalendarFeed(models.Model):
    """A person's private calendar address. It holds a signed key, so that the table alone opens no calendar."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="calendar_feed")
    key = models.UUIDField(unique=True, default=uuid.uuid4)

    def __str__(self) -> str:
        return f"Calendar of {self.user.name}"

    @property
    def token(self) -> str:
        """What stands in the address."""
        return Signer(salt="calendar").sign(self.key.hex)

    @classmethod
    def of_token(cls, token: str) -> CalendarFeed | None:
        """The feed of an address; None if it is made up, was revoked, or its owner is no longer active."""
        try:
            key = uuid.UUID(Signer(salt="calendar").unsign(token))
        except (BadSignature, ValueError):
            return None
        return cls.objects.select_related("user").filter(key=key, user__is_active=True).first()
