#include "cli/provider/protocol.h"

#include <catch2/catch.hpp>

namespace berth::cli::provider {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("a provider's message is understood or named in an error") {
  Result<Message> info = parse_message(R"({"type": "info", "message": "half way"})");
  REQUIRE(info);
  CHECK(info->kind == Message::Kind::info);
  CHECK(info->text == "half way");
  Result<Message> variable = parse_message(R"({"type":"rawsetenv","message":"A=b=c"})");
  REQUIRE(variable);
  CHECK(variable->name == "A");
  CHECK(variable->value == "b=c");
  CHECK(parse_message(R"({"type":"get-service-config"})")->kind == Message::Kind::get_service_config);
  for (const char* line : {"", "words", "[1]", R"({"type":1})", R"({"type":"what"})", R"({"type":"setenv"})",
                           R"({"type":"setenv","message":"=x"})", R"({"message":"x"})"})
    CHECK(!parse_message(line));
}

TEST_CASE("a provider gets all options, or those that its metadata know") {
  const compose::FlagValues options{{"type", {"mysql"}}, {"tag", {"a", "b"}}, {"none", {}}};
  CHECK(*arguments_for("up", "shop", "db", options, parse_metadata("no metadata")) ==
        Texts{"compose", "--project-name=shop", "up", "--type=mysql", "--tag=a", "--tag=b", "db"});
  const Metadata metadata = parse_metadata(
      R"({"description": "x", "up": {"parameters": [{"name": "tag"}, {"name": "size", "required": true}, 7]},
          "down": {}, "stop": {"parameters": [{"name": "type", "required": false}]}})");
  CHECK(!arguments_for("up", "shop", "db", options, metadata));
  CHECK(*arguments_for("down", "shop", "db", options, metadata) ==
        Texts{"compose", "--project-name=shop", "down", "db"});
  REQUIRE(metadata.stop);
  CHECK(*arguments_for("stop", "shop", "db", options, metadata) ==
        Texts{"compose", "--project-name=shop", "stop", "--type=mysql", "db"});
  CHECK(!parse_metadata(R"({"up": {"parameters": []}})").stop);
}

TEST_CASE("variables of a provider have its service's name before theirs") {
  CHECK(prefixed("my-db", "Url") == "MY-DB_Url");
}

}  // namespace
}  // namespace berth::cli::provider
