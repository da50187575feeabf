from django.urls import include, path

from bots.views import actions, backtest_form, backtests, bot, chart, form, home, killing, preview

bots = (
    [
        path("summary", home.summary, name="summary"),
        path("latest", home.latest, name="latest"),
        path("stop-all", actions.stop_all, name="stop_all"),
        path("kill/", killing.kill, name="kill"),
        path("kill/now", killing.in_force, name="switches"),
        path("kill/<uuid:switch_id>/release", killing.release, name="release"),
        path("new/", form.choose, name="create"),
        path("new/<slug:bot_type>/", form.new, name="new"),
        path("new/<slug:bot_type>/check", form.check, name="check"),
        path("new/<slug:bot_type>/preview", preview.preview, name="preview"),
        path("new/<slug:bot_type>/suggest", form.suggest, name="suggest"),
        path("<uuid:bot_id>/", bot.bot_page, name="page"),
        path("<uuid:bot_id>/edit/", form.edit, name="edit"),
        path("<uuid:bot_id>/edit/check", form.check_edit, name="check_edit"),
        path("<uuid:bot_id>/edit/preview", preview.preview_edit, name="preview_edit"),
        path("<uuid:bot_id>/chart.json", chart.chart, name="chart"),
        path("<uuid:bot_id>/live/<slug:name>", bot.live_part, name="part"),
        path("<uuid:bot_id>/start", actions.start, name="start"),
        path("<uuid:bot_id>/stop", actions.stop, name="stop"),
        path("<uuid:bot_id>/kill/", killing.kill, name="kill_bot"),
        path("<uuid:bot_id>/kill/now", killing.in_force, name="switches_of_bot"),
        path("<uuid:bot_id>/delete", actions.delete, name="delete"),
        path("<uuid:bot_id>/orders/<uuid:order_id>/give-up", actions.give_up, name="give_up"),
        path("<uuid:bot_id>/ask/<slug:kind>", actions.command, name="command"),
    ],
    "bots",
)
backtest_pages = (
    [
        path("", backtests.backtest_list, name="list"),
        path("new/", backtests.choose, name="create"),
        path("new/<slug:bot_type>/", backtest_form.new, name="new"),
        path("new/<slug:bot_type>/suggest", backtest_form.suggest, name="suggest"),
        path("of/<uuid:bot_id>/", backtest_form.of_bot, name="of_bot"),
        path("<uuid:backtest_id>/", backtests.backtest_page, name="page"),
        path("<uuid:backtest_id>/again/", backtest_form.again, name="again"),
        path("<uuid:backtest_id>/live/<slug:part_name>", backtests.live_part, name="part"),
        path("<uuid:backtest_id>/result.json", backtests.result, name="result"),
        path("<uuid:backtest_id>/cancel", backtests.cancel, name="cancel"),
        path("<uuid:backtest_id>/delete", backtests.delete, name="delete"),
    ],
    "backtests",
)
urlpatterns = [
    path("", home.home, name="home"),
    path("bots/", include(bots)),
    path("backtests/", include(backtest_pages)),
]
