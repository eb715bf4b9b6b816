#include "oci/node.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace berth::oci;

TEST_CASE("a node that is missing reads as nothing and does not complain") {
  nlohmann::json document = {{"there", nullptr}};
  Complaints complaints;
  Node root(document, complaints);
  CHECK_FALSE(root["there"].present());
  CHECK(root["a"]["b"]["c"].text().empty());
  CHECK(root["a"].items().empty());
  CHECK_FALSE(root["a"].maybe<int>());
  CHECK(root["a"].flag(true));
  CHECK(complaints.errors.empty());
  CHECK(complaints.status("x").ok());
}

TEST_CASE("a value of the wrong type is named by its JSON pointer") {
  nlohmann::json document = {{"a/b~", {1, "x"}}, {"n", 1.5}};
  Complaints complaints;
  Node root(document, complaints);
  (void)root["a/b~"].items()[0].text();
  (void)root["n"].number<int>();
  (void)root["n"]["m"];
  CHECK(complaints.errors == std::vector<std::string>{"/a~1b~0/0: expected a string", "/n: expected a whole number",
                                                      "/n: expected an object"});
  CHECK(complaints.status("config.json").error().message().find("config.json: /a~1b~0/0") == 0);
}

TEST_CASE("a number has to fit its type") {
  nlohmann::json document = {{"minus", -1}, {"large", 4294967296}, {"most", UINT64_MAX}};
  Complaints complaints;
  Node root(document, complaints);
  CHECK(root["minus"].maybe<int64_t>() == -1);
  CHECK(root["most"].maybe<uint64_t>() == UINT64_MAX);
  CHECK(complaints.errors.empty());
  CHECK_FALSE(root["minus"].maybe<uint32_t>());
  CHECK_FALSE(root["large"].maybe<uint32_t>());
  CHECK_FALSE(root["most"].maybe<int64_t>());
  CHECK(complaints.errors == std::vector<std::string>{"/minus: the number must not be negative",
                                                      "/large: the number is out of range",
                                                      "/most: the number is out of range"});
}

TEST_CASE("what is refused is refused only where it is there") {
  nlohmann::json document = {{"empty", nlohmann::json::array()}, {"there", {{"x", 1}}}};
  Complaints complaints;
  Node root(document, complaints);
  root["missing"].refuse("no");
  root["empty"].refuse("no");
  root["there"].refuse("no");
  root.know({"there"});
  CHECK(complaints.errors == std::vector<std::string>{"/there: not supported: no"});
  CHECK(complaints.warnings == std::vector<std::string>{"/empty: unknown, ignored"});
}
