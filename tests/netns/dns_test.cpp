#include "dns_lab.h"
#include "netns/resolv_conf.h"

using namespace dns_lab;

TEST_CASE("queries are read, and what is none is told apart") {
  dns::Query query;
  const std::string good = question("Web.Example", dns::kA);
  REQUIRE(dns::parse_query(bytes(good), query) == dns::Verdict::ok);
  CHECK(query.name.text() == "web.example");
  CHECK(query.id == 0x1234);
  CHECK(query.question_end == good.size());
  CHECK(dns::parse_query(bytes("short"), query) == dns::Verdict::drop);
  std::string response = good;
  response[2] = static_cast<char>(0x81);
  CHECK(dns::parse_query(bytes(response), query) == dns::Verdict::drop);
  std::string update = good;
  update[2] = 0x28;
  CHECK(dns::parse_query(bytes(update), query) == dns::Verdict::not_implemented);
  for (size_t cut = dns::kHeaderSize; cut < good.size(); ++cut) {
    CHECK(dns::parse_query(bytes(good.substr(0, cut)), query) == dns::Verdict::format_error);
  }
}

TEST_CASE("hostile names end in an error and in time") {
  dns::Query query;
  const std::string head("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  const auto verdict = [&](const std::string& rest) { return dns::parse_query(bytes(head + rest), query); };
  const std::string tail("\x00\x01\x00\x01", 4);
  CHECK(verdict(std::string("\xc0\x0c", 2) + tail) == dns::Verdict::format_error);  // points to itself
  CHECK(verdict(std::string("\x01"
                            "a"
                            "\xc0\x0c",
                            4) +
                tail) == dns::Verdict::format_error);                               // goes round
  CHECK(verdict(std::string("\xc0\x00", 2) + tail) == dns::Verdict::format_error);  // into the header
  CHECK(verdict("\x41" + std::string(65, 'a') + std::string(1, '\0') + tail) == dns::Verdict::format_error);
  std::string longest;
  for (int i = 0; i < 5; ++i) longest += "\x3f" + std::string(63, 'a');
  CHECK(verdict(longest + std::string(1, '\0') + tail) == dns::Verdict::format_error);
}

TEST_CASE("an answer that does not fit is cut between records and keeps its OPT") {
  std::string message = question("web", dns::kA);
  message[11] = 1;
  message += std::string("\x00\x00\x29\x02\x00\x00\x00\x00\x00\x00\x00", 11);
  dns::Query query;
  REQUIRE(dns::parse_query(bytes(message), query) == dns::Verdict::ok);
  CHECK(query.edns);
  std::array<uint8_t, 1232> out{};
  dns::AnswerWriter writer(out, bytes(message), query, query.udp_size);
  for (int i = 0; i < 100; ++i) writer.add_address(address("10.0.0.1"), 0);
  const size_t size = writer.finish(dns::kNoError, true);
  CHECK(size <= 512);
  const std::string text(reinterpret_cast<const char*>(out.data()), size);
  CHECK(read_answer(text).starts_with("NOERROR TC 10.0.0.1"));
  CHECK(out[11] == 1);
  CHECK(dns::answers_question(bytes(text), 0x1234, bytes(message), query));
  CHECK_FALSE(dns::answers_question(bytes(text), 0x1235, bytes(message), query));
  CHECK_FALSE(dns::answers_question(bytes(message), 0x1234, bytes(message), query));
}

TEST_CASE("reverse names stand for addresses") {
  Address out;
  REQUIRE(dns::parse_reverse_name("2.1.91.10.in-addr.arpa", out));
  CHECK(out == address("10.91.1.2"));
  REQUIRE(dns::parse_reverse_name("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", out));
  CHECK(out == address("fd00::1"));
  for (const char* wrong : {"1.91.10.in-addr.arpa", "256.1.91.10.in-addr.arpa", "..1.2.in-addr.arpa",
                            "1.2.3.4.5.in-addr.arpa", "ip6.arpa", ""}) {
    CHECK_FALSE(dns::parse_reverse_name(wrong, out));
  }
}

TEST_CASE("the zone answers per network, follows replicas, and keeps declared names to itself") {
  Zone zone;
  fill(zone);
  CHECK(zone.find(kView, "web").addresses.size() == 2);
  CHECK(zone.find(kView, "www.example").addresses.size() == 1);
  CHECK(zone.find(kView, "web.shop_default").addresses.size() == 2);
  CHECK(zone.find(kView, "db").found == Zone::Found::no_data);  // declared, stopped
  CHECK(zone.find(kView, "db.shop_default").found == Zone::Found::no_data);
  CHECK(zone.find(kView, "nobody.shop_default").found == Zone::Found::no_name);
  CHECK(zone.find(kView, "secret").found == Zone::Found::foreign);  // another network's
  zone.remove_endpoint("front", "c1");
  CHECK(zone.find(kView, "web").addresses.size() == 1);
  zone.add_endpoint("front",
                    {"c4", {"web"}, "shop-web-4", {address("10.91.1.3")}});  // replaces c2, which is still there
  zone.remove_endpoint("front", "c2");
  REQUIRE(zone.find(kView, "web").addresses.size() == 1);
  CHECK(zone.find_pointer(kView, address("10.91.1.3")).name == "shop-web-4");
  zone.remove_endpoint("front", "c4");
  CHECK(zone.find(kView, "web").found == Zone::Found::no_data);
  zone.undeclare("shop");
  CHECK(zone.find(kView, "web").found == Zone::Found::foreign);
  CHECK(zone.find_pointer(kView, address("10.92.1.77")).found == Zone::Found::no_name);
  CHECK(zone.find_pointer(kView, address("8.8.8.8")).found == Zone::Found::foreign);
}

TEST_CASE("resolv.conf is read with its comments and written with ndots") {
  const auto conf =
      parse_resolv_conf("# x\nnameserver 10.0.0.1 ; y\nnameserver nonsense\nsearch a b\noptions edns0\nwhat ever\n");
  CHECK(conf.nameservers == std::vector<Address>{address("10.0.0.1")});
  CHECK(conf.search == std::vector<std::string>{"a", "b"});
  CHECK(render_container_resolv_conf({"a"}, {"edns0"}) == "nameserver 127.0.0.11\nsearch a\noptions edns0 ndots:0\n");
  CHECK(render_container_resolv_conf({}, {"ndots:2"}) == "nameserver 127.0.0.11\noptions ndots:2\n");
}
