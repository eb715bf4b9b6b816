#include "images/changes.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::images;
using Words = std::vector<std::string>;

namespace {
ImageConfig changed(const Words& lines) {
  ImageConfig config;
  Status status = apply_changes(config, lines);
  INFO((status ? "" : status.error().full()));
  REQUIRE(status.ok());
  return config;
}
std::string failure(const std::string& line) {
  ImageConfig config;
  Status status = apply_changes(config, {line});
  return status ? "" : status.error().full();
}
}  // namespace

TEST_CASE("commands have an exec form and a shell form") {
  CHECK(changed({R"(CMD ["a", "b c"])"}).cmd == Words{"a", "b c"});
  CHECK(changed({"cmd a b"}).cmd == Words{"/bin/sh", "-c", "a b"});
  CHECK(changed({R"(SHELL ["/bin/bash","-c"])", "ENTRYPOINT x"}).entrypoint == Words{"/bin/bash", "-c", "x"});
  CHECK(changed({"CMD [ -f x ] && y"}).cmd == Words{"/bin/sh", "-c", "[ -f x ] && y"});
  CHECK(failure("CMD ['a', 'b']").find("double quotes") != std::string::npos);
  CHECK(failure("CMD").find("nothing follows") != std::string::npos);
}

TEST_CASE("an entrypoint drops a command that was there before, not one of the same run") {
  ImageConfig config;
  config.cmd = {"old"};
  REQUIRE(apply_changes(config, {"ENTRYPOINT [\"e\"]"}).ok());
  CHECK(config.cmd.empty());
  CHECK(changed({"CMD [\"c\"]", "ENTRYPOINT [\"e\"]"}).cmd == Words{"c"});
}

TEST_CASE("environment is set, replaced and used") {
  ImageConfig config = changed({"ENV A=1 B='x y' C=\"a\\\"b\"", "ENV A=2", "ENV OLD form with blanks",
                                "ENV P=/x:$A:${B}:${NO:-d}", "ENV Q='$A'"});
  CHECK(config.env == Words{"A=2", "B=x y", "C=a\"b", "OLD=form with blanks", "P=/x:2:x y:d", "Q=$A"});
  CHECK(failure("ENV A").find("NAME=value") != std::string::npos);
  CHECK(failure("ENV A='x").find("not closed") != std::string::npos);
}

TEST_CASE("the other keywords land where they belong") {
  ImageConfig config =
      changed({"USER app:app", "WORKDIR /a/b", "WORKDIR ../c", "EXPOSE 80 53/udp 8000-8002", "VOLUME /v2 /v1",
               "VOLUME [\"/v 3\"]", "LABEL a=b \"c d\"=e", "STOPSIGNAL SIGQUIT", "ONBUILD RUN x", "# comment", ""});
  CHECK(config.user == "app:app");
  CHECK(config.working_dir == "/a/c");
  CHECK(config.exposed_ports == Words{"53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp"});
  CHECK(config.volumes == Words{"/v 3", "/v1", "/v2"});
  CHECK(config.labels == std::map<std::string, std::string>{{"a", "b"}, {"c d", "e"}});
  CHECK(config.stop_signal == "SIGQUIT");
  CHECK(config.onbuild == Words{"RUN x"});
  CHECK(failure("EXPOSE 0").find("PORT") != std::string::npos);
  CHECK(failure("EXPOSE 80/icmp").find("PORT") != std::string::npos);
  CHECK(failure("STOPSIGNAL sig;x").find("signal") != std::string::npos);
}

TEST_CASE("a health check has flags") {
  ImageHealthcheck check =
      *changed({"HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=1.5s --retries=4 CMD pg_isready -q"})
           .healthcheck;
  CHECK(check.test == Words{"CMD-SHELL", "pg_isready -q"});
  CHECK(check.interval == std::chrono::seconds(90));
  CHECK(check.timeout == std::chrono::milliseconds(500));
  CHECK(check.start_period == std::chrono::milliseconds(1500));
  CHECK(check.retries == 4);
  CHECK(changed({"HEALTHCHECK CMD [\"a\",\"b\"]"}).healthcheck->test == Words{"CMD", "a", "b"});
  CHECK(changed({"HEALTHCHECK NONE"}).healthcheck->test == Words{"NONE"});
  CHECK(failure("HEALTHCHECK --intervall=3s CMD x").find("--interval?") != std::string::npos);
  CHECK(failure("HEALTHCHECK --interval=3 CMD x").find("duration") != std::string::npos);
  CHECK(failure("HEALTHCHECK x").find("CMD") != std::string::npos);
}

TEST_CASE("an unknown keyword names the one that was meant") {
  CHECK(failure("ENTRYPONT x").find("did you mean ENTRYPOINT?") != std::string::npos);
  CHECK(failure("RUN x").find("expected one of") != std::string::npos);
}
