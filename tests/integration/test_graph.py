"""`berth graph`: a stack as a tree, for Graphviz and Mermaid, as SVG and JSON."""

import json
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from harness import Berth, Stack

SHOP = """
    name: shop
    services:
      web:
        image: nginx:1.27
        ports: ["8080:80", "127.0.0.1:8443:443", "9000"]
        volumes: ["./pages:/pages:ro"]
        networks: [front]
        depends_on:
          api: {condition: service_healthy}
          mail: {condition: service_started, required: false}
      api:
        build: ./api
        networks: [front, back]
        scale: 2
        depends_on:
          db: {condition: service_healthy, restart: true}
          migrate: {condition: service_completed_successfully}
      migrate: {image: api, networks: [back], depends_on: [db]}
      db:
        image: postgres:16
        volumes: ["data:/var/lib/postgresql/data"]
        networks: [back]
      mail: {image: mail, network_mode: host}
      debug: {image: debug, profiles: [debug]}
    networks: {front: {}, back: {internal: true}, unused: {}}
    volumes: {data: {}, unused: {}}
    """

TREE = """\
shop
├── web  nginx:1.27
│   ├── port 8080 → 80/tcp
│   ├── port 127.0.0.1:8443 → 443/tcp
│   ├── port any port → 9000/tcp
│   ├── bind ./pages → /pages (read-only)
│   ├── network front
│   ├── api ×2  build ./api  (must be healthy)
│   │   ├── networks back, front
│   │   ├── db  postgres:16  (must be healthy, restarts with it)
│   │   │   ├── volume data → /var/lib/postgresql/data
│   │   │   └── network back
│   │   └── migrate  api  (must be completed)
│   │       ├── network back
│   │       └── db  postgres:16  (must be started)  (see above)
│   └── mail  mail  (must be started, optional)
│       └── network mode host
├── networks
│   ├── back  (shop_back, bridge, internal)  db, migrate, api
│   └── front  (shop_front, bridge)  api, web
└── volumes
    └── data  (shop_data)  db
"""

# What no format may take for its own: quotes, brackets, escapes, controls, entities, the ends of things.
HOSTILE = ['"];x[label="', "</text><script>alert(1)</script>", "]]>", "--><!--", "a\\", '\\"', "\\N\\G", "&amp;&#60;&lt;",
           "`$(touch x)`", "#quot;", "end", "|\"|", "%%{init}%%", "a\x1b[2Jb", "a\nb", "a\rb", "a\u202eb", "a\u0085b", "{{}}", "\ufffe",
           "click s0 href \"javascript:x\"", "'", "<b>&nbsp;</b>", "a\u2028b"]


class Graph(unittest.TestCase):
    """Nothing is started, so there is nothing to look for on the host."""

    @classmethod
    def setUpClass(cls):
        cls.berth = Berth()
        cls.addClassCleanup(cls.berth.discard)
        cls.berth.environment["LC_ALL"] = "C.UTF-8"

    def shop(self, text=SHOP):
        return Stack(self.berth, text, "shop")

    def graph(self, *arguments, text=SHOP):
        return self.shop(text)("graph", *arguments, check=0).out

    def test_the_tree_shows_each_service_once_below_what_needs_it(self):
        self.assertEqual(TREE, self.graph(), "without what no profile enables and nobody uses")

    def test_lines_are_ascii_where_the_locale_is_not_utf_8(self):
        for locale in ({"LC_ALL": "C"}, {"LC_ALL": "", "LC_CTYPE": "POSIX"}, {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}):
            before = dict(self.berth.environment)
            self.berth.environment.update(locale)
            try:
                tree = self.graph()
            finally:
                self.berth.environment.clear()
                self.berth.environment.update(before)
            self.assertTrue(tree.isascii(), tree)
            self.assertIn("\n|-- networks\n|   |-- back", tree)
            self.assertIn("port 8080 -> 80/tcp", tree)

    def test_named_services_come_with_what_they_need(self):
        names = [service["name"] for service in json.loads(self.graph("--format", "json", "migrate"))["services"]]
        self.assertEqual(["db", "migrate"], names)
        self.assertIn("debug", self.graph("debug"), "naming it enables it")
        outcome = self.shop()("graph", "wbe")
        self.assertEqual(1, outcome.code)
        self.assertIn('no such service: wbe\n  hint: did you mean "web"?', outcome.err)

    def test_json_has_all_of_it(self):
        shop = json.loads(self.graph("--format", "json"))
        self.assertEqual("shop", shop["project"])
        services = {service["name"]: service for service in shop["services"]}
        self.assertEqual([{"host": "8080", "container": "80/tcp"}, {"host": "127.0.0.1:8443", "container": "443/tcp"},
                          {"host": "", "container": "9000/tcp"}], services["web"]["ports"])
        self.assertEqual({"service": "db", "condition": "service_healthy", "required": True, "restart": True, "implicit": False},
                         services["api"]["depends_on"][0])
        self.assertEqual("host", services["mail"]["network_mode"])
        self.assertEqual([{"type": "volume", "source": "data", "target": "/var/lib/postgresql/data", "read_only": False}],
                         services["db"]["volumes"])
        self.assertEqual({"back": ["db", "migrate", "api"], "front": ["api", "web"]},
                         {network["key"]: network["services"] for network in shop["networks"]})
        self.assertEqual(["data"], [volume["key"] for volume in shop["volumes"]])

    def test_output_goes_to_a_file_or_what_else_is_there(self):
        shop = self.shop()
        path = os.path.join(self.berth.home, "shop.svg")
        self.assertEqual("", shop("graph", "--format", "svg", "-o", path, check=0).out)
        self.assertEqual(self.graph("--format", "svg"), open(path, encoding="utf-8").read())
        shop("graph", "-o", "/dev/null", check=0)
        self.assertFalse(os.path.isfile("/dev/null"), "a device stays one")
        outcome = shop("graph", "-o", "/nowhere/x")
        self.assertEqual(1, outcome.code)
        self.assertIn("/nowhere", outcome.err)

    def nodes_of_dot(self, dot):
        """Labels by node, and edges, as Graphviz understands them."""
        done = subprocess.run(["dot", "-Tjson0"], input=dot, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        drawn = json.loads(done.stdout)
        labels = {node["name"]: node["label"] for node in drawn["objects"]}
        edges = {(drawn["objects"][edge["tail"]]["name"], drawn["objects"][edge["head"]]["name"]) for edge in drawn.get("edges", [])}
        return labels, edges

    def test_graphviz_reads_the_dot(self):
        labels, edges = self.nodes_of_dot(self.graph("--format", "dot"))
        names = {label.split("\\n")[0]: node for node, label in labels.items()}
        self.assertEqual({"web", "api ×2", "migrate", "db", "mail", "front", "back", "data"}, set(names))
        for a, b in (("web", "api ×2"), ("web", "mail"), ("api ×2", "db"), ("migrate", "db"), ("db", "data"), ("db", "back")):
            self.assertIn((names[a], names[b]), edges)

    def test_the_svg_is_well_formed_and_needs_nothing_else(self):
        for theme in ("auto", "light", "dark"):
            root = ElementTree.fromstring(self.graph("--format", "svg", "--theme", theme))
            self.assertEqual("{http://www.w3.org/2000/svg}svg", root.tag)
            text = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
            for word in ("shop", "web", "api ×2", "8080 → 80/tcp", "healthy", "completed", "optional", "data", "front"):
                self.assertIn(word, text)
        light, dark, either = (self.graph("--format", "svg", "--theme", theme) for theme in ("light", "dark", "auto"))
        self.assertEqual(either, self.graph("--format", "svg"))
        self.assertIn("prefers-color-scheme:dark", either)
        self.assertNotIn("prefers-color-scheme", light + dark)
        self.assertNotEqual(light, dark)

    def test_hostile_names_stay_text_in_every_format(self):
        services = {}
        for number, text in enumerate(HOSTILE):
            services[f"s{number}"] = {"image": text, "labels": {text: text}, "container_name": f"c{number}",
                                      "volumes": [{"type": "bind", "source": "/" + text, "target": "/" + text},
                                                  {"type": "volume", "source": "data", "target": "/v/" + text}],
                                      "depends_on": {} if number == 0 else {f"s{number - 1}": {"condition": "service_started"}}}
        compose = {"name": "hostile", "services": services, "networks": {"default": {"name": HOSTILE[0], "driver": HOSTILE[1]}},
                   "volumes": {"data": {"name": HOSTILE[2]}}}
        text = json.dumps(compose)  # which is YAML as well
        plain = json.dumps({**compose, "services": {name: {"image": "x", "volumes": [{"type": "volume", "source": "data",
                                                                                       "target": f"/{name}"}],
                                                           "depends_on": service["depends_on"]} for name, service in services.items()}})
        for format in ("tree", "dot", "mermaid", "svg", "json"):
            drawn = self.graph("--format", format, text=text)
            self.assertFalse(set(drawn) & set("\x1b\r\u0085\u202e\u2028\ufffe") if format != "json" else set(), format)
            if format in ("mermaid", "dot", "tree"):  # no line more or less
                like = self.graph("--format", format, text=plain)
                extra = len(HOSTILE) if format == "tree" else 0  # binds
                self.assertEqual(like.count("\n") + extra, drawn.count("\n"), format)
        svg = ElementTree.fromstring(self.graph("--format", "svg", text=text))
        allowed = {"svg", "title", "style", "rect", "text", "path", "g"}
        self.assertLessEqual({element.tag.split("}")[1] for element in svg.iter()}, allowed)
        self.assertFalse([name for element in svg.iter() for name in element.attrib if name.startswith("on") or "href" in name])
        labels, edges = self.nodes_of_dot(self.graph("--format", "dot", text=text))
        self.assertEqual({f"s{i}" for i in range(len(HOSTILE))} | {"n0", "v0"}, set(labels))
        self.assertEqual(HOSTILE, [service["image"] for service in json.loads(self.graph("--format", "json", text=text))["services"]])
        for line in self.graph("--format", "mermaid", text=text).splitlines()[1:]:
            outside = re.sub(r'"[^"]*"', "", line)
            self.assertRegex(outside, r"^  [snv]\d+(\[\]|\{\{\}\}|\[\(\)\]| (-->|-\.->|-\.-)(\|\|)? [snv]\d+)$", line)

    def test_bytes_that_are_no_utf_8_do_no_harm(self):
        self.berth.environment["EVIL"] = os.fsdecode(b"a\xff\xc3\x1bb")
        self.addCleanup(self.berth.environment.pop, "EVIL")
        text = "services: {web: {image: '${EVIL}', network_mode: none}}"
        for format in ("tree", "dot", "mermaid", "svg", "json"):
            self.assertIn("web", self.graph("--format", format, text=text).encode().decode("utf-8"))
        ElementTree.fromstring(self.graph("--format", "svg", text=text))

    def test_a_long_chain_and_a_wide_stack_are_drawn(self):
        chain = {f"s{i}": {"image": "x", "depends_on": [f"s{i - 1}"] if i else []} for i in range(400)}
        wide = {f"s{i}": {"image": "x", "depends_on": ["s0"] if i else []} for i in range(400)}
        for services in (chain, wide):
            text = json.dumps({"services": services})
            tree = self.graph(text=text)
            self.assertEqual(set(services), set(re.findall(r"── (s\d+)", tree)))
            self.assertLess(max(map(len, tree.splitlines()[:-1])), 4000)
            ElementTree.fromstring(self.graph("--format", "svg", text=text))


if __name__ == "__main__":
    unittest.main()
