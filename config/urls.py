"""What the desk answers to; the public side gets its own list when it is built."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
