"""Addresses of the sign-in, the own account and the desk."""

from django.urls import path

from staff.sites import desk, sign_out
from staff.views import account, signing, trail

urlpatterns = [
    path("login/", signing.sign_in, name="login"),
    path("logout/", sign_out, name="logout"),
    path("invitation/", signing.invitation, name="invitation"),
    path("second-factor/", signing.verify, name="verify"),
    path("second-factor/set-up/", signing.enrol, name="enrol"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/backup-codes/", account.backup_codes, name="backup_codes"),
    path("account/backup-codes/void/", account.void_codes, name="void_codes"),
    path("account/new-phone/", account.new_phone, name="new_phone"),
    path("account/sessions/", account.end_sessions, name="end_sessions"),
    path("account/panic/", account.panic, name="panic"),
    path("desk/trail/", desk.admin_view(trail.show), name="trail"),
    path("desk/trail/checkpoint/", desk.admin_view(trail.checkpoint), name="trail_checkpoint"),
    path("desk/", desk.urls),
]
