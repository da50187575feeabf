from django.urls import path

from accounts.views import actions, form, pages

app_name = "exchanges"
urlpatterns = [
    path("", pages.account_list, name="list"),
    path("new/", form.choose, name="create"),
    path("new/<slug:exchange>/", form.new, name="new"),
    path("new/<slug:exchange>/paper/", form.new_on_paper, name="new_on_paper"),
    path("<uuid:account_id>/", pages.account_page, name="page"),
    path("<uuid:account_id>/balance/", pages.balance, name="balance"),
    path("<uuid:account_id>/key/", form.replace_key, name="replace_key"),
    path("<uuid:account_id>/test", actions.test, name="test"),
    path("<uuid:account_id>/compare", actions.compare, name="compare"),
    path(
        "<uuid:account_id>/shortages/<int:shortage_id>/close/<uuid:bot_id>",
        actions.close_holder,
        name="close_holder",
    ),
    path("<uuid:account_id>/rename", actions.rename, name="rename"),
    path("<uuid:account_id>/delete", actions.delete, name="delete"),
]
