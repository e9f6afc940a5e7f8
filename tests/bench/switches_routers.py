"""The traffic systems of `tests/bench/switches`: how each is set up, what cutover is told of it, and its bare call.

One class is one row of the table, and one entry of ROUTERS at the end adds it:

    row            what the row is called
    kind           cutover's [backend] kind
    way            what stands on the kind's set-up page where this build drives it like that, else the row is SKIPPED
    loses_nothing  True where a single request lost by a switch is a fault
    programs       what must be there, else the row is SKIPPED
    versions       those of them whose version belongs under the table
    prepare()      writes the router's config for self.port; gives back cutover's [backend] and what goes with it
    start()        starts it
    switched(side) after a switch by cutover, where the bare call puts back what cutover wrote
    bare(side)     the same operation without cutover: the order, and reading back until it is so
"""
import json, os, re, signal, socket, subprocess, sys, time

from switches_kit import PATIENCE_S, Router, call, free_port, page_block, program, replace, until


class Embedded(Router):
    row, kind, loses_nothing = "embedded", "embedded", True

    def prepare(self):
        return f'[backend]\nkind = "embedded"\n[gateway]\nlisten = "127.0.0.1:{self.port}"\nadmin = "{self.path("gw.sock")}"\n'

    def start(self):
        self.bench.spawn([self.bench.cutover, "-c", self.path("cutover.toml"), "gateway"])

    def bare(self, side):
        split = {"blue": 100 * (side == "blue"), "green": 100 * (side == "green")}
        call(self.path("gw.sock"), "PUT", "/v1/split", {"order": f"bare{time.time_ns()}", "split": split})
        until(lambda: json.loads(call(self.path("gw.sock"), "GET", "/v1/status"))["split"] == split)


class Haproxy(Router):
    kind, loses_nothing, programs, versions = "haproxy", True, ("haproxy",), ("haproxy",)

    def prepare(self):
        self.write("haproxy.cfg", f"""
global
  stats socket {self.path("ha.sock")} mode 600 level admin
  server-state-file {self.path("state")}
defaults
  mode http
  timeout connect 1s
  timeout client 1m
  timeout server 1m
  load-server-state-from-file global
frontend inference
  bind 127.0.0.1:{self.port}
{self.frontend()}""")
        return f'[backend]\nkind = "haproxy"\nsocket = "{self.path("ha.sock")}"\n' + self.method()

    def start(self):
        self.bench.spawn([program("haproxy"), "-q", "-db", "-f", self.path("haproxy.cfg")])

    def say(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE_S)
            s.connect(self.path("ha.sock"))
            s.sendall(line.encode() + b"\n")
            answer = b""
            while part := s.recv(65536):
                answer += part
        return answer.decode()


class HaproxyMap(Haproxy):
    row = "haproxy: map"

    def frontend(self):
        name = self.write("active.map", "active blue\n")
        return f"""  use_backend be_%[str(active),map({name},blue)]
backend be_blue
  server blue1 127.0.0.1:{self.ports["blue"]}
backend be_green
  server green1 127.0.0.1:{self.ports["green"]}
"""

    def method(self):
        name = self.path("active.map")
        return f'method = "map"\nmap = "{name}"\nsave_map = "{name}"\nbackends = {{ blue = "be_blue", green = "be_green" }}\n'

    def bare(self, side):
        name = self.path("active.map")
        if (answer := self.say(f"set map {name} active {side}")).strip():
            raise RuntimeError(answer)
        until(lambda: self.say(f"show map {name}").split()[-1] == side)


class HaproxyWeights(Haproxy):
    row = "haproxy: weights"

    def frontend(self):
        return f"""  default_backend be_split
backend be_split
  balance roundrobin
  server blue1 127.0.0.1:{self.ports["blue"]} weight 100
  server green1 127.0.0.1:{self.ports["green"]} weight 0
"""

    def method(self):
        return f'method = "weights"\nbackend = "be_split"\nsave_state = "{self.path("state")}"\n' \
               'servers = { blue = ["blue1"], green = ["green1"] }\n'

    def bare(self, side):
        other = "blue" if side == "green" else "green"
        line = f"set server be_split/{side}1 weight 100; set server be_split/{other}1 weight 0"
        if (answer := self.say(line)).strip():
            raise RuntimeError(answer)
        rows = lambda: [row.split() for row in self.say("show servers state be_split").splitlines()[2:] if row]
        until(lambda: {row[3]: int(row[7]) for row in rows()} == {side + "1": 100, other + "1": 0})


class Envoy(Router):
    kind, loses_nothing, programs, versions = "envoy", True, ("envoy",), ("envoy",)

    def prepare(self):
        self.admin = free_port()
        at = lambda port: {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
        manager = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "ml", **self.routes(),
            "http_filters": [{"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        }
        cluster = lambda side: {"name": side, "type": "STATIC", "load_assignment": {"cluster_name": side, "endpoints": [
            {"lb_endpoints": [{"endpoint": at(self.ports[side])}]}]}}
        filters = [{"name": "http", "typed_config": manager}]
        self.write("envoy.json", json.dumps({
            "node": {"id": "bench", "cluster": "bench"}, "admin": at(self.admin),
            "layered_runtime": {"layers": [{"name": "base", "static_layer": {KEY: 0}}, {"name": "admin", "admin_layer": {}}]},
            "static_resources": {"clusters": [cluster("blue"), cluster("green")], "listeners": [
                {"name": "web", **at(self.port), "filter_chains": [{"filters": filters}]}]}}))
        return f'[backend]\nkind = "envoy"\n' + self.method()

    def start(self):
        self.bench.spawn([program("envoy"), "-c", self.path("envoy.json"), "--disable-hot-restart", "--concurrency", "2", "-l", "error"])


KEY = "routing.traffic_shift.green"


class EnvoyRuntime(Envoy):
    row = "envoy: runtime"

    def routes(self):
        part = {"runtime_key": KEY, "default_value": {"numerator": 0, "denominator": "HUNDRED"}}
        to = lambda side: {"cluster": side, "timeout": "0s"}
        return {"route_config": {"name": "ml", "virtual_hosts": [{"name": "ml", "domains": ["*"], "routes": [
            {"match": {"prefix": "/", "runtime_fraction": part}, "route": to("green")},
            {"match": {"prefix": "/"}, "route": to("blue")}]}]}}

    def method(self):
        return f'admin = "http://127.0.0.1:{self.admin}"\nkey = "{KEY}"\n'

    def bare(self, side):
        green = str(100 * (side == "green"))
        call(self.admin, "POST", f"/runtime_modify?{KEY}={green}")
        until(lambda: json.loads(call(self.admin, "GET", "/runtime?format=json"))["entries"][KEY]["final_value"] == green)


class EnvoyRoutes(Envoy):
    row, way = "envoy: routes", "^routes = "

    def routes(self):
        os.mkdir(self.path("rds"))
        clusters = [{"name": side, "weight": "{{%s}}" % side} for side in ("blue", "green")]
        route = {"match": {"prefix": "/"}, "route": {"timeout": "0s", "weighted_clusters": {"clusters": clusters}}}
        self.template = json.dumps({"version_info": "{{version}}", "resources": [{
            "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "ml",
            "virtual_hosts": [{"name": "ml", "domains": ["*"], "routes": [route]}]}]})
        first = self.template.replace("{{version}}", "first").replace("{{blue}}", "100").replace("{{green}}", "0")
        self.texts, self.file = {}, self.write("rds/routes.json", first)
        source = {"path_config_source": {"path": self.file, "watched_directory": {"path": self.path("rds")}}}
        return {"rds": {"route_config_name": "ml", "config_source": source}}

    def method(self):
        template = self.write("template.json", self.template)
        return f'admin = "http://127.0.0.1:{self.admin}"\nroutes = "{self.file}"\ntemplate = "{template}"\n'

    def switched(self, side):
        with open(self.file) as file:
            self.texts[side] = file.read()

    def bare(self, side):
        replace(self.file, self.texts[side])
        version = json.loads(self.texts[side])["version_info"]
        path = "/config_dump?resource=dynamic_route_configs"
        until(lambda: f'"version_info": "{version}"' in call(self.admin, "GET", path).decode())


class Caddy(Router):
    row, kind, programs, versions = "caddy", "caddy", ("caddy",), ("caddy",)

    def prepare(self):
        self.admin = free_port()
        self.handlers = {}
        handler = {
            "@id": "rp", "handler": "reverse_proxy", "flush_interval": -1,
            "upstreams": [{"dial": f"127.0.0.1:{self.ports[side]}"} for side in ("blue", "green")],
            "load_balancing": {"selection_policy": {"policy": "weighted_round_robin", "weights": [100, 0]}}}
        server = {"listen": [f"127.0.0.1:{self.port}"], "routes": [{"handle": [handler]}]}
        self.write("caddy.json", json.dumps({"admin": {"listen": f"127.0.0.1:{self.admin}"}, "apps": {"http": {"servers": {"ml": server}}}}))
        return f'[backend]\nkind = "caddy"\nadmin = "127.0.0.1:{self.admin}"\nhandler = "rp"\n'

    def start(self):
        home = {"HOME": self.dir, "XDG_CONFIG_HOME": self.dir, "XDG_DATA_HOME": self.dir}
        self.bench.spawn([program("caddy"), "run", "--config", self.path("caddy.json")], env={**os.environ, **home})

    def switched(self, side):
        self.handlers[side] = self.reads()

    def reads(self):
        return json.loads(call(self.admin, "GET", "/id/rp"))

    def bare(self, side):
        call(self.admin, "PATCH", "/id/rp", self.handlers[side])
        until(lambda: self.reads() == self.handlers[side])


class Traefik(Router):
    kind, loses_nothing = "traefik", True
    throttle = "100ms"

    def prepare(self):
        self.api = free_port()
        os.mkdir(self.path("dyn"))
        sides = "".join(f'    {side}: {{ loadBalancer: {{ servers: [ {{ url: "http://127.0.0.1:{port}" }} ] }} }}\n' for side, port in self.ports.items())
        self.write("dyn/main.yml", f"http:\n  routers:\n    ml: {{ rule: \"PathPrefix(`/`)\", service: \"split@{self.provider}\", entryPoints: [web] }}\n"
                                   f"  services:\n{sides}")
        return f'[backend]\nkind = "traefik"\napi = "http://127.0.0.1:{self.api}"\n' + self.method()

    def start(self, *more):
        self.bench.spawn([
            program("traefik"), f"--entrypoints.web.address=127.0.0.1:{self.port}", f"--entrypoints.traefik.address=127.0.0.1:{self.api}",
            "--api.insecure=true", f"--providers.file.directory={self.path('dyn')}", f"--providers.providersthrottleduration={self.throttle}",
            "--global.checknewversion=false", "--global.sendanonymoususage=false", *more])

    def shows(self, side):
        until(lambda: self.applied() == [side])

    def applied(self):
        """The sides with a weight."""
        service = json.loads(call(self.api, "GET", f"/api/http/services/split@{self.provider}"))
        return [one["name"].split("@")[0] for one in service["weighted"]["services"] if one.get("weight")]


class TraefikFile(Traefik):
    row, provider, programs, versions = "traefik: file", "file", ("traefik",), ("traefik",)

    def method(self):
        self.texts = {side: json.dumps({"http": {"services": {"split": {"weighted": {"services": [
            {"name": name, "weight": 100 * (name == side)} for name in ("blue", "green")]}}}}}) + "\n" for side in ("blue", "green")}
        self.file = self.write("dyn/split.yml", self.texts["blue"])
        return f'file = "{self.file}"\n'

    def switched(self, side):
        with open(self.file) as file:
            self.texts[side] = file.read()

    def bare(self, side):
        replace(self.file, self.texts[side])
        self.shows(side)


class TraefikRedis(Traefik):
    row, provider, programs, versions = "traefik: redis", "redis", ("traefik", "redis-server"), ("traefik", "redis-server")

    def method(self):
        self.redis = free_port()
        return f'redis = "127.0.0.1:{self.redis}"\nblue = "blue@file"\ngreen = "green@file"\n'

    def start(self):
        self.bench.spawn([program("redis-server"), "--port", str(self.redis), "--bind", "127.0.0.1", "--save", "", "--dir", self.dir])
        until(self.answers)
        key = "traefik/http/services/split/weighted/services"
        self.say(*(("SET", f"{key}/{at}/name", f"{side}@file") for at, side in enumerate(("blue", "green"))),
                 ("SET", f"{key}/0/weight", "100"), ("SET", f"{key}/1/weight", "0"))
        super().start(f"--providers.redis.endpoints=127.0.0.1:{self.redis}")

    def answers(self):
        try:
            return b"PONG" in self.say(("PING",))
        except OSError:
            return False

    def say(self, *commands):
        """Commands in the words of Redis; the connection ends with QUIT, and the answers with it."""
        with socket.create_connection(("127.0.0.1", self.redis), PATIENCE_S) as s:
            for words in (*commands, ("QUIT",)):
                s.sendall(f"*{len(words)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words))
            answer = b""
            while part := s.recv(65536):
                answer += part
        if b"-ERR" in answer or b"-EXECABORT" in answer:
            raise RuntimeError(answer.decode())
        return answer

    def bare(self, side):
        key = "traefik/http/services/split/weighted/services"
        weights = [100 * (side == name) for name in ("blue", "green")]
        self.say(("MULTI",), *(("SET", f"{key}/{at}/weight", str(weight)) for at, weight in enumerate(weights)), ("EXEC",))
        self.shows(side)


class Nginx(Router):
    row, kind, programs, versions = "nginx", "nginx", ("nginx",), ("nginx",)

    def prepare(self):
        self.split = self.write("split.conf", 'split_clients "${request_id}" $cutover_side {\n    * blue;\n}\n')
        self.texts = {}
        temporary = "".join(f"  {kind}_temp_path {self.dir};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = self.write("nginx.conf", f"""
daemon off; worker_processes 1; pid {self.path("nginx.pid")}; error_log {self.path("nginx.err")};
events {{ worker_connections 512; }}
http {{
  access_log off;
{temporary}
  upstream blue {{ server 127.0.0.1:{self.ports["blue"]}; }}
  upstream green {{ server 127.0.0.1:{self.ports["green"]}; }}
  include {self.split};
  server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://$cutover_side; proxy_buffering off; }} }}
}}
""")
        self.command = [program("nginx"), "-e", self.path("nginx.err"), "-c", config]
        return f'[backend]\nkind = "nginx"\ninclude = "{self.split}"\npid = "{self.path("nginx.pid")}"\n' \
               f"test = {json.dumps(self.command + ['-t', '-q'])}\n"

    def start(self):
        self.master = self.bench.spawn(self.command)

    def switched(self, side):
        with open(self.split) as file:
            self.texts[side] = file.read()

    def workers(self):
        """Those that take connections."""
        with open(f"/proc/{self.master.pid}/task/{self.master.pid}/children") as file:
            found = file.read().split()
        names = {}
        for pid in found:
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    names[pid] = file.read()
            except OSError:
                pass
        return {pid for pid, name in names.items() if "worker process" in name and "shutting down" not in name}

    def bare(self, side):
        old = self.workers()
        replace(self.split, self.texts[side])
        subprocess.run(self.command + ["-t", "-q"], check=True, stdin=subprocess.DEVNULL)
        os.kill(self.master.pid, signal.SIGHUP)
        until(lambda: (now := self.workers()) and not now & old)


class Exec(HaproxyMap):
    """The script of the set-up page; where it says to tell the real router, it tells an HAProxy."""
    row, kind, loses_nothing, programs = "exec: the page's script and an HAProxy", "exec", False, ("haproxy", "flock")

    def method(self):
        tell = 'python3 -c "import socket,sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); ' \
               's.sendall(sys.argv[2].encode()); assert not s.recv(999).strip()" ' \
               f"'{self.path('ha.sock')}' \"set map {self.path('active.map')} active $([ $2 = 100 ] && echo green || echo blue)\n\""
        script, found = re.subn(r"    # Tell the real router here.*", lambda _: "    " + tell.replace("\\n", "\n"), page_block("hook/exec.md", "sh"))
        assert found == 1, "the set-up page has changed"
        self.write("router", script)
        return ""

    def prepare(self):
        super().prepare()
        return page_block("hook/exec.md", "toml").partition("[backend]")[2].join(["[backend]", ""])

    def run(self, *words):
        ended = subprocess.run(["sh", self.path("router"), *words], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        return ended.stdout

    def bare(self, side):
        green = 100 * (side == "green")
        self.run("set", str(green))
        until(lambda: json.loads(self.run("get"))["split"]["green"] == green)


class Http(Router):
    """The router of the set-up page, as it stands there."""
    row, kind = "http: the page's router", "http"

    def prepare(self):
        self.write("router.py", page_block("hook/http.md", "python"))
        ours = page_block("hook/http.md", "toml").partition("[backend]")[2].join(["[backend]", ""])
        return ours.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}").replace('bearer = { env = "ROUTER_TOKEN" }\n', "")

    def start(self):
        sides = [f"http://127.0.0.1:{self.ports[side]}" for side in ("blue", "green")]
        self.bench.spawn([sys.executable, self.path("router.py"), str(self.port), *sides])

    def bare(self, side):
        green = 100 * (side == "green")
        call(self.port, "PUT", "/split", {"green": green, "expected": ""})
        until(lambda: json.loads(call(self.port, "GET", "/split"))["split"]["green"] == green)


ROUTERS = (Embedded, HaproxyMap, HaproxyWeights, EnvoyRuntime, EnvoyRoutes, TraefikFile, TraefikRedis, Caddy, Nginx, Exec, Http)

# Kinds without a row, and why.
NOT_MEASURED = {
    "dns": "no request passes through it: clients keep an answer for its time to live and connections for longer, whatever cutover does",
}
