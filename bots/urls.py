from django.urls import include, path

from bots.views import actions, bot, chart, form, home

bots = (
    [
        path("summary", home.summary, name="summary"),
        path("latest", home.latest, name="latest"),
        path("stop-all", actions.stop_all, name="stop_all"),
        path("new/", form.choose, name="create"),
        path("new/<slug:bot_type>/", form.new, name="new"),
        path("new/<slug:bot_type>/check", form.check, name="check"),
        path("new/<slug:bot_type>/suggest", form.suggest, name="suggest"),
        path("<uuid:bot_id>/", bot.bot_page, name="page"),
        path("<uuid:bot_id>/edit/", form.edit, name="edit"),
        path("<uuid:bot_id>/edit/check", form.check_edit, name="check_edit"),
        path("<uuid:bot_id>/chart.json", chart.chart, name="chart"),
        path("<uuid:bot_id>/live/<slug:name>", bot.live_part, name="part"),
        path("<uuid:bot_id>/start", actions.start, name="start"),
        path("<uuid:bot_id>/stop", actions.stop, name="stop"),
        path("<uuid:bot_id>/delete", actions.delete, name="delete"),
        path("<uuid:bot_id>/ask/<slug:kind>", actions.command, name="command"),
    ],
    "bots",
)
urlpatterns = [path("", home.home, name="home"), path("bots/", include(bots))]
