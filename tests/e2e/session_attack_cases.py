"""Sessions against hostile servers, files, clocks and moments: what servers answer to a refresh, what
lies where the file should, clocks that were set over a restart, and ends at each step."""
import fcntl
import glob
import os
import signal
import tempfile
import time

from running import Run, equal, run_cases
from session_peer import SCRIPT, Peer, finish, kept, path_of, remember, start

SHOW = 'say("status", api:get("/x").status, state())'


def boot():
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def on_boot(age):
    return time.clock_gettime(time.CLOCK_BOOTTIME) - age


def a_wall_clock_that_contradicts_the_boot_clock():
    """a wall clock that contradicts the boot clock by more than 60 s, over a restart, is doubt: it is renewed"""
    day = 86400
    for wall, by_boot, other, refreshes in (
            (100, 100, {}, 0), (100, 130, {}, 0), (100, 165, {}, 1), (165, 100, {}, 1),
            (100 + day, 100, {"life": 10 * day}, 1),  # the clock went a day ahead
            (100, 100 + day, {"life": 10 * day}, 1),  # and back
            (-20000 * day, 100, {"life": 3600}, 1)):  # it is 1970
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder, wall, boot=boot(), boot_time=on_boot(by_boot), **{"life": 3600, **other})
        text = finish(start(peer, folder, SHOW))
        assert "status 200 open" in text, text
        equal((peer.refreshes, peer.unauthorized, wall, by_boot), (refreshes, 0, wall, by_boot))


def tokens_of_another_start_of_the_machine():
    """tokens of another start of the machine are older than this one, or there is doubt"""
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    for age, refreshes in ((up + 500, 0), (up - 30, 0), (max(up - 500, 0), 1 if up > 600 else 0)):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder, age, boot="0000-1111", boot_time=5, life=1e9)
        assert "status 200 open" in finish(start(peer, folder, SHOW))
        equal((peer.refreshes, age), (refreshes, age))


def a_doubt_is_over_with_one_refresh():
    """what a process has renewed for doubt is beyond doubt for the others and the next start"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder, 100, boot=boot(), boot_time=on_boot(1000), life=3600)
    runs = [start(peer, folder, SHOW, profile) for profile in ("a", "b", "c")]
    for run in runs:
        assert "status 200 open" in finish(run)
    equal(kept(peer, folder)["boot"], boot())
    assert "status 200 open" in finish(start(peer, folder, SHOW))
    equal((peer.refreshes, peer.revoked), (1, False))


def a_doubt_without_a_network_uses_what_there_is():
    """a doubt while the server is down: the tokens are used as they are, and kept"""
    peer, folder = Peer(), tempfile.mkdtemp()
    peer.fault = (503, {})
    remember(peer, folder, 86400 + 100, boot=boot(), boot_time=on_boot(100), life=3600)
    assert "status 200 open" in finish(start(peer, folder, SHOW))
    equal((peer.refreshes, kept(peer, folder)["refresh"]), (1, "refresh-0-secret"))


def answers_to_a_refresh_that_are_strange():
    """lives of 0, below 0, beyond all numbers, as texts: used until refused, no refresh for each request"""
    for life in (0, -3600, 1e308, "3600", "soon", "", None, [], True):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        peer.access = "newer-secret"
        peer.fault = (200, {"access": "newer-secret", "refresh": "r-secret", "expires_in": life})
        text = finish(start(peer, folder, "for _ = 1, 5 do " + SHOW + " end"))
        equal((text.count("status 200 open"), peer.refreshes, life), (5, 1, life))
        text = finish(start(peer, folder, "for _ = 1, 5 do " + SHOW + " end"))
        equal((text.count("status 200 open"), peer.refreshes, life), (5, 1, life))


def answers_to_a_refresh_that_are_none():
    """an answer that is no pair keeps the tokens, is one error, and injects nothing into a header"""
    bad = [{}, {"access": ""}, {"access": 7}, {"access": "a\r\nX-Admin: yes"}, {"access": "a\nb"}, {"access": "a\0b"},
           {"access": "a b"}, {"access": "a" * 100000}, {"access": "a", "refresh": 7},
           {"access": "a", "refresh": "r\r\nX: y"}, {"access": "a", "refresh": "r" * 100000}, [], "pair", 7]
    for answer in bad:
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        peer.access, peer.fault = "another", (200, answer)
        text = finish(start(peer, folder, SHOW + ' local t, err = me:token() say("token", t and "old" or err.code)'))
        assert "status 401 open" in text and "not renewed" in text and "token old" in text, (answer, text)
        equal((kept(peer, folder)["refresh"], peer.refreshes), ("refresh-0-secret", 1))


def a_huge_answer_is_a_login_at_the_next_start_too():
    """what comes beside the tokens may be huge: it is not kept, and the next start reads the tokens"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access = "newer-secret"
    peer.fault = (200, {"access": "newer-secret", "refresh": "r2-secret", "more": "x" * 3000000})
    assert "status 200 open" in finish(start(peer, folder, SHOW))
    assert os.path.getsize(path_of(peer, folder)) < 1000
    peer.fault = None
    assert "status 200 open" in finish(start(peer, folder, SHOW))
    equal(peer.refreshes, 1)


def a_server_that_repeats_the_tokens():
    """a server that repeats the tokens in its errors: they are in no log and no error"""
    for status in (400, 401, 403, 500):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder, 5000, life=3600)
        said = "token refresh-0-secret of access-0-secret and new access-9-secret"
        peer.fault = (status, {"message": "bad " + said, "error": said, "access": "access-8-secret", "success": False,
                               "detail": said, "title": said})
        run = start(peer, folder, """
  local res, err = api:get("/x")
  say("got", tostring(res), tostring(err), err.message or "-", err.detail or "-") say(state())
  local t, why = me:token() say("token", tostring(t), tostring(why), why.detail or "-")""", extra=("--log", "debug"))
        text = finish(run)
        assert "got nil" in text and "not renewed" in text, text
        assert "0-secret" not in text and "8-secret" not in text, text


# A script whose error has what the server said.
SAYING = SCRIPT.replace('return nil, { code = "HTTP", message = "refused", status = res.status, body = res:json() }',
                        'return nil, { code = "HTTP", message = "no: " .. res.body, detail = res.body }')


def a_script_that_repeats_the_tokens():
    """a refresh whose script puts the answer into its error: the session's tokens are hidden in it"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder, 5000, life=3600)
    peer.fault = (500, {"message": "refresh-0-secret access-0-secret"})
    run = Run(SAYING % (peer.url, 'local _, err = me:token() say(tostring(err), err.message, err.detail or "-")'),
              args=("--data", folder))
    text = finish(run)
    assert "no: " in text and "-secret" not in text, text


def files_that_are_hostile():
    """links, pipes, folders, 100 MB, numbers beyond all and another version: told once, and no harm"""
    def link(path):
        os.symlink("/etc/passwd", path)

    def pipe(path):
        os.mkfifo(path)

    def folder_there(path):
        os.mkdir(path)

    def large(path):
        with open(path, "w") as out:
            out.truncate(100 << 20)

    def text(words):
        def write(path):
            with open(path, "w") as out:
                out.write(words)
        return write

    cases = [link, pipe, folder_there, large]
    cases += [text(words) for words in (
        '{"format":1,"number":9223372036854775807,"access":"a","refresh":"r"}',
        '{"format":1,"number":1e300,"access":"a"}', '{"format":2,"number":3,"access":"a"}',
        '{"format":1,"number":3,"acc', '{"format":1,"number":3,"access":"a\\r\\nX: y"}',
        "[" * 100000, '{"format":1,"number":3,"access":"' + "a" * 2000000 + '"}')]
    for case in cases:
        peer, folder = Peer(), tempfile.mkdtemp()
        os.makedirs(folder + "/sessions", mode=0o700)
        case(path_of(peer, folder))
        began = time.monotonic()
        said = finish(start(peer, folder, """
  say("first", api:get("/x").status, state()) say("login", tostring(me:login()))
  say("status", api:get("/x").status)"""))
        assert "first 401 closed -" in said and "login true" in said and "status 200" in said, (case, said)
        equal(said.count("cannot be restored"), 1)
        assert time.monotonic() - began < 10


def pairs_in_files_that_are_none():
    """members of a file that are of another type do no harm"""
    for other in ({"pair": 7}, {"pair": [1]}, {"pair": "x"}, {"pair": None}, {"received": "x", "life": "y"},
                  {"received": -1e308, "life": 1e308}, {"received": 1e308}, {"boot": 7, "boot_time": "x"},
                  {"boot": "x" * 100000, "boot_time": 1}, {"boot": boot(), "boot_time": 1e308}):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder, 3000, **other)
        peer.access = "another"
        text = finish(start(peer, folder, SHOW))
        assert "status 200 open" in text, (other, text)
        equal(peer.refreshes, 1)


def a_file_that_others_could_read():
    """a file that others could read is closed to them at once, and that is told"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder, 100, life=3600)
    os.chmod(path_of(peer, folder), 0o644)
    text = finish(start(peer, folder, SHOW))
    assert "status 200 open" in text and "others could read" in text, text
    equal(os.stat(path_of(peer, folder)).st_mode & 0o777, 0o600)


def a_folder_for_reading_alone():
    """a folder for reading alone: the new tokens are used from memory, and that is told once"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access = "another"
    os.rename(folder + "/sessions", folder + "/away")
    with open(folder + "/sessions", "w"):
        pass
    text = finish(start(peer, folder, 'say(tostring(me:login())) task.sleep(2.5) ' + SHOW))
    assert "true." in text and "status 200 open" in text and text.count("not on the disk") == 1, text


def a_stopped_process_that_holds_the_lock():
    """a process that stands still with the lock: TIMEOUT after 15 s, nobody steals, and it goes on afterwards"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access = "another"
    peer.hold.clear()
    first = start(peer, folder, SHOW, "a")
    assert peer.came.wait(20)
    first.signal(signal.SIGSTOP)
    began = time.monotonic()
    text = finish(start(peer, folder, SHOW, "b"))
    assert 14 < time.monotonic() - began < 19
    assert "status 401 open" in text and "another process has held the session" in text, text
    equal(peer.refreshes, 1)
    first.signal(signal.SIGCONT)
    peer.hold.set()
    finish(first)
    text = finish(start(peer, folder, SHOW + ' if me:state().status ~= "open" then me:login() end ' + SHOW, "b"))
    assert "status 200 open -" in text, text


def a_login_while_another_process_renews():
    """a login, and a logout, while another process renews: the last one counts, in both processes"""
    for body, closed in (('say("login", tostring(me:login()))', False), ('me:logout() say("out")', True)):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        peer.access, peer.slow = "another", 1.0
        first = start(peer, folder, SHOW + """
  for _ = 1, 200 do task.sleep(0.02) if api:get("/x").status ~= 200 then break end end
  say("then", api:get("/x").status, state())""" if closed else SHOW, "a")
        assert peer.came.wait(20)
        peer.slow = 0
        finish(start(peer, folder, body, "b"))
        record = kept(peer, folder)
        if closed:
            equal(record["closed"], "logout")
            peer.access = "gone"
            text = finish(first)
            assert "then 401 closed logout" in text, text
        else:
            finish(first)
            equal(kept(peer, folder)["access"], peer.access)
        equal(peer.refreshes, 1)


def a_new_token_that_another_login_has_ended():
    """a login elsewhere ends the new tokens of this process: it takes those of the file, and is not closed"""
    peer, folder = Peer(), tempfile.mkdtemp()
    first = start(peer, folder, """
  me:login() say("in", api:get("/x").status)
  for _ = 1, 500 do task.sleep(0.02) if me:token() ~= "access-1-secret" or not api:get("/x") then break end end
  say("then", api:get("/x").status, state())""", "a")
    first.err.wait_for("in 200")
    finish(start(peer, folder, 'say("login", tostring(me:login()))', "b"))
    text = finish(first)
    assert "then 200 open -" in text and "rejected" not in text, text
    equal(peer.refreshes, 0)


def a_logout_during_a_login():
    """a logout during a login: what came last counts"""
    peer, folder = Peer(), tempfile.mkdtemp()
    text = finish(start(peer, folder, """
  local one = task.spawn(function() return me:login() end)
  me:logout()
  say("login", tostring(one:await()), state())
  say("logout", tostring(me:logout()), state())"""))
    assert "login true open" in text and "logout true closed logout" in text, text
    equal(kept(peer, folder)["closed"], "logout")


def three_processes_and_failures():
    """200 requests in 3 processes that meet a 401 while the server fails first, then holds: one pair, no reuse"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access, peer.slow = "another", 0.2
    peer.fault = (503, {})
    runs = [start(peer, folder, f"""
  local good = 0
  for round = 1, 6 do
    local all = {{}}
    for i = 1, {n} do all[i] = function() if api:get("/x").status == 200 then good = good + 1 end end end
    task.all(all)
    if good >= {n} then break end
    task.sleep(1)
  end
  say("good", good)""", profile) for profile, n in (("a", 67), ("b", 67), ("c", 66))]
    while peer.refreshes < 2:
        time.sleep(0.01)
    peer.fault = None
    failed = peer.refreshes
    texts = [finish(run) for run in runs]
    assert all(f"good {n}" in text for text, n in zip(texts, (67, 67, 66))), texts
    equal((peer.count, peer.revoked), (1, False))
    assert peer.refreshes - failed <= 2


def ends_within_each_wait():
    """Ctrl-C while it waits for the lock, the server or the file: an end within 3 s, and the tokens are whole"""
    for wait in ("lock", "server", "login"):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        peer.access = "another"
        lock = open(path_of(peer, folder) + ".lock", "w")
        if wait != "server":
            fcntl.flock(lock, fcntl.LOCK_EX)
        else:
            peer.hold.clear()
        run = start(peer, folder, 'say("begun") ' + ("me:login()" if wait == "login" else SHOW))
        run.err.wait_for("begun")
        time.sleep(0.4)
        run.signal(signal.SIGINT)
        status, took = run.end()
        equal(status, 130)
        assert took < 3.5, (wait, took)
        equal(kept(peer, folder)["refresh"], "refresh-0-secret")
        peer.hold.set()
        lock.close()
        equal(glob.glob(folder + "/sessions/.tidelock*"), [])


def killed_between_answer_and_file():
    """kill -9 after the answer, before the pair is in the file: asked for a login once, never locked out"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access = "another"
    run = start(peer, folder, """
  local core = require "tidelock.session.core"
  say("status", api:get("/x").status)""", extra=())
    assert peer.came.wait(20)
    run.process.kill()
    run.end()
    text = finish(start(peer, folder, SHOW + ' if state() ~= "open -" then me:login() end ' + SHOW))
    assert text.count("status 200 open") >= 1, text
    equal(kept(peer, folder)["access"], peer.access)


def nothing_of_them_is_shown():
    """a session that is printed, walked through and raised shows no tokens, nor does --log debug"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder, 100, life=3600)
    run = start(peer, folder, """
  say("status", api:get("/x").status)
  say(tostring(me), tostring(me.core), tostring(me:auth()), tostring(select(2, pcall(me.core))))
  for k, v in pairs(me) do say(tostring(k), tostring(v)) end
  for k, v in pairs(debug and debug.getregistry and debug.getregistry() or {}) do say(tostring(k), tostring(v)) end
  error { session = me }""", extra=("--log", "debug"))
    run.err.wait_for("ERROR")
    run.kill()
    assert "-0-secret" not in run.err.text(), run.err.text()


run_cases([value for value in list(globals().values())
           if callable(value) and getattr(value, "__module__", "") == "__main__" and getattr(value, "__doc__", None)])
