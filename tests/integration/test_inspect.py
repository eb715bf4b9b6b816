"""`inspect`: Docker's JSON shape, so that scripts find what they look for."""

import json
import os

from harness import Case

STACK = """
    services:
      db:
        image: busybox:1
        command: [sleep, infinity]
        init: true
        hostname: dbhost
        user: "0"
        ports: ["127.0.0.1:18941:80", "81/udp"]
        expose: ["90"]
        environment: {A: b, BERTH_TEST_MARK: %MARK%-db}
        labels: {x: y}
        volumes: ["data:/data:ro", "/tmp:/host", "/anon"]
        tmpfs: ["/scratch:size=1m"]
        restart: on-failure:3
        cap_add: [NET_ADMIN]
        mem_limit: 64m
        cpus: 0.5
        ulimits: {nofile: 100}
        sysctls: {net.ipv4.ip_forward: 0}
        extra_hosts: ["a:1.2.3.4"]
        stop_signal: SIGTERM
        stop_grace_period: 3s
        read_only: true
        healthcheck: {test: [CMD-SHELL, "echo fine"], interval: 1s}
        networks: {default: {aliases: [dbalias]}}
    volumes: {data: {}}
"""

# What Docker 26.1 has at the top and one level below, for a container like that one.
KEYS = {
    "": "Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name RestartCount Driver Platform MountLabel "
        "ProcessLabel AppArmorProfile ExecIDs HostConfig GraphDriver Mounts Config NetworkSettings",
    "State": "Status Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt FinishedAt Health",
    "Config": "Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce Env Cmd Healthcheck "
              "Image Volumes WorkingDir Entrypoint OnBuild Labels StopSignal StopTimeout",
    "NetworkSettings": "Bridge SandboxID SandboxKey Ports HairpinMode LinkLocalIPv6Address LinkLocalIPv6PrefixLen SecondaryIPAddresses "
                       "SecondaryIPv6Addresses EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen IPAddress IPPrefixLen "
                       "IPv6Gateway MacAddress Networks",
}


class Inspect(Case):
    def inspect(self, *arguments, **options):
        return self.berth("inspect", *arguments, **{"check": 0, **options}).out

    def test_a_container_has_dockers_shape(self):
        stack = self.stack(STACK)
        stack.up("--wait")
        name = f"{stack.name}-db-1"
        (it,) = json.loads(self.inspect(name))
        for place, keys in KEYS.items():
            self.assertEqual(set(keys.split()), set(it[place] if place else it), place)
        self.assertEqual(("/" + name, "sleep", ["infinity"]), (it["Name"], it["Path"], it["Args"]))
        state = it["State"]
        self.assertEqual(("running", True, stack.pid("db"), "0001-01-01T00:00:00Z"),
                         (state["Status"], state["Running"], state["Pid"], state["FinishedAt"]))
        self.assertEqual("healthy", state["Health"]["Status"])
        self.assertEqual((0, "fine\n"), (state["Health"]["Log"][0]["ExitCode"], state["Health"]["Log"][0]["Output"]))
        host = it["HostConfig"]
        self.assertEqual({"Name": "on-failure", "MaximumRetryCount": 3}, host["RestartPolicy"])
        self.assertEqual({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18941"}], "81/udp": [{"HostIp": "", "HostPort": ""}]},
                         host["PortBindings"])
        self.assertEqual((64 << 20, 128 << 20, 500_000_000), (host["Memory"], host["MemorySwap"], host["NanoCpus"]))
        self.assertEqual([{"Name": "nofile", "Hard": 100, "Soft": 100}], host["Ulimits"])
        self.assertEqual((["NET_ADMIN"], None, ["/tmp:/host:rw"], True),
                         (host["CapAdd"], host["CapDrop"], host["Binds"], host["ReadonlyRootfs"]))
        config = it["Config"]
        self.assertEqual(("dbhost", ["sleep", "infinity"], None, "y", 3), (config["Hostname"], config["Cmd"], config["Entrypoint"],
                                                                           config["Labels"]["x"], config["StopTimeout"]))
        self.assertEqual({"80/tcp", "81/udp", "90/tcp"}, set(config["ExposedPorts"]))
        self.assertIn("A=b", config["Env"])
        mounts = {mount["Destination"]: mount for mount in it["Mounts"]}
        self.assertEqual({"/data", "/host", "/anon"}, set(mounts))
        self.assertEqual((f"{stack.name}_data", False), (mounts["/data"]["Name"], mounts["/data"]["RW"]))
        self.assertTrue(os.path.isdir(mounts["/data"]["Source"]))
        network = it["NetworkSettings"]["Networks"][f"{stack.name}_default"]
        self.assertEqual([name, "db", "dbalias"], network["Aliases"])
        self.assertEqual([name, "db", "dbalias", it["Id"][:12], "dbhost"], network["DNSNames"])
        self.assertIn(network["IPAddress"], stack.exec("db", "ip", "-4", "addr", "show", "eth0"))
        ports = it["NetworkSettings"]["Ports"]
        self.assertEqual([{"HostIp": "127.0.0.1", "HostPort": "18941"}], ports["80/tcp"])
        self.assertEqual(["0.0.0.0", "::"], [port["HostIp"] for port in ports["81/udp"]])
        self.assertIsNone(ports["90/tcp"])
        # What scripts do with it.
        self.assertEqual("healthy 3\n", self.inspect("-f", "{{.State.Health.Status}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}", name))
        self.assertEqual(network["IPAddress"] + "\n",
                         self.inspect("-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", it["Id"][:12]))
        self.assertEqual("18941\n", self.inspect("-f", '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', name))
        self.assertEqual(it["Id"] + "\n", self.berth("container", "inspect", "-f", "{{.Id}}", name, check=0).out)
        self.assertNotIn("SizeRw", it)
        self.assertIn("SizeRw", json.loads(self.inspect("-s", name))[0])
        stack("stop", check=0)
        (it,) = json.loads(self.inspect(name))
        self.assertEqual(("exited", False, 0, "unhealthy"), (it["State"]["Status"], it["State"]["Running"], it["State"]["Pid"],
                                                             it["State"]["Health"]["Status"]))
        self.assertEqual({}, it["NetworkSettings"]["Ports"])
        self.assertEqual("", it["NetworkSettings"]["Networks"][f"{stack.name}_default"]["IPAddress"])
        stack("down", "-v", check=0)

    def test_whatever_has_the_name(self):
        self.berth("volume", "create", "thing", check=0)
        self.assertEqual("thing\n", self.inspect("-f", "{{.Name}}", "thing"))
        self.assertEqual("[]\n", self.inspect("--type", "network", "thing", check=1))
        self.assertRegex(self.inspect("-f", "{{.Id}}", "busybox:1"), "^sha256:[0-9a-f]{64}\n$")
        self.assertEqual("host\n", self.inspect("-f", "{{.Driver}}", "host"))
        done = self.berth("inspect", "nobody", "thing", check=1)
        self.assertEqual(["thing"], [one["Name"] for one in json.loads(done.out)])
        self.assertIn("No such object: nobody", done.err)
        self.assertIn("expected container, image, network or volume", self.berth("inspect", "--type", "plugin", "x", check=1).err)
        self.berth("volume", "rm", "thing", check=0)
