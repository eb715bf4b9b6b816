#include "cli/go_template.h"

#include <catch2/catch.hpp>

#include "cli/listing.h"

using namespace berth;
using namespace berth::cli;
using Json = GoTemplate::Json;

namespace {

const Json kData = {
    {"Id", "sha256:abc"},
    {"Size", 42},
    {"Config",
     {{"Env", {"A=1", "B=2"}}, {"Labels", {{"z", "last"}, {"a.b", "first"}}}, {"Cmd", nullptr}, {"Tty", false}}}};

std::string rendered(const std::string& text) {
  Result<GoTemplate> parsed = GoTemplate::parse(text);
  if (!parsed) return "ERROR " + parsed.error().full();
  Result<std::string> out = parsed->render(kData);
  return out ? *out : "ERROR " + out.error().full();
}

}  // namespace

TEST_CASE("fields look as Go prints them") {
  CHECK(rendered("{{.Id}}") == "sha256:abc");
  CHECK(rendered("{{ .Size }} bytes") == "42 bytes");
  CHECK(rendered("{{.Config.Env}}") == "[A=1 B=2]");
  CHECK(rendered("{{.Config.Labels}}") == "map[a.b:first z:last]");
  CHECK(rendered("{{.Config.Cmd}} {{.Config.Tty}}") == "<nil> false");
  CHECK(rendered(R"(a\tb\n)") == "a\tb\n");
  CHECK(rendered("x {{- .Size -}} y") == "x42y");
}

TEST_CASE("functions, pipes and parentheses") {
  CHECK(rendered("{{json .Config.Env}}") == R"(["A=1","B=2"])");
  CHECK(rendered("{{.Config.Env | json}}") == R"(["A=1","B=2"])");
  CHECK(rendered(R"({{index .Config.Labels "a.b"}})") == "first");
  CHECK(rendered(R"([{{index .Config.Labels "none"}}])") == "[]");
  CHECK(rendered("{{index .Config.Env 1}}") == "B=2");
  CHECK(rendered("{{(index .Config.Env 1) | lower}}") == "b=2");
  CHECK(rendered(R"({{join .Config.Env ","}} {{len .Config.Env}})") == "A=1,B=2 2");
  CHECK(rendered("{{upper .Id}}") == "SHA256:ABC");
}

TEST_CASE("range, if and else") {
  CHECK(rendered("{{range .Config.Env}}{{.}};{{end}}") == "A=1;B=2;");
  CHECK(rendered("{{range .Config.Cmd}}x{{else}}none{{end}}") == "none");
  CHECK(rendered("{{if .Config.Tty}}yes{{else}}no{{end}}") == "no");
  CHECK(rendered(R"({{if eq .Size 42}}right{{end}})") == "right");
  CHECK(rendered("{{range .Config.Env}}{{$.Size}}{{end}}") == "4242");
  CHECK(rendered("{{with .Config}}{{.Tty}}{{end}}") == "false");
}

TEST_CASE("what is not understood is named") {
  CHECK(rendered("{{.Ids}}").find("did you mean .Id?") != std::string::npos);
  CHECK(rendered("{{.Config.Envs}}").find(".Envs") != std::string::npos);
  CHECK(rendered("{{frobnicate .Id}}").find("frobnicate") != std::string::npos);
  CHECK(rendered("{{.Id").find("not closed") != std::string::npos);
  CHECK(rendered("{{if .Id}}x").find("no {{end}}") != std::string::npos);
  CHECK(rendered("{{end}}").find("{{end}}") != std::string::npos);
  CHECK(rendered("{{$x := .Id}}").find("variables") != std::string::npos);
  CHECK(rendered("{{json}}").find("json") != std::string::npos);
  CHECK(rendered("{{\"open}}").find("not closed") != std::string::npos);
}

TEST_CASE("a listing is a table, lines of JSON, or a template for each row") {
  std::vector<Json> rows = {{{"Name", "web"}, {"CreatedBy", "me"}}, {{"Name", "\033[1mdb"}, {"CreatedBy", "you"}}};
  std::vector<Column> columns = {{"NAME", "Name"}};
  CHECK(render_listing(rows, columns, "").value() == "NAME\nweb\n\\x1b[1mdb\n");
  CHECK(render_listing(rows, columns, "json").value().find(R"({"Name":"web","CreatedBy":"me"})") == 0);
  CHECK(render_listing(rows, columns, "{{.Name}}-{{.CreatedBy}}").value() == "web-me\n\\x1b[1mdb-you\n");
  CHECK(render_listing(rows, columns, R"(table {{.CreatedBy}}\t{{.Name}})").value() ==
        "CREATED BY   NAME\nme           web\nyou          \\x1b[1mdb\n");
  CHECK_FALSE(render_listing(rows, columns, "{{.Nope}}").ok());
}
