#include "cli/build_output.h"

#include <catch2/catch.hpp>

using berth::cli::BuildOutput;
using berth::cli::parse_build_output;

TEST_CASE("where the result of a build goes") {
  BuildOutput directory = parse_build_output("out/dir").value();
  CHECK(directory.type == "local");
  CHECK(directory.dest == "out/dir");
  BuildOutput input = parse_build_output("-").value();
  CHECK(input.type == "tar");
  CHECK(input.dest == "-");
  CHECK(parse_build_output("type=oci").value().dest == "-");
  CHECK(parse_build_output("type=oci").value().is_archive());
  CHECK(parse_build_output("type=docker").value().is_stored());
  CHECK(parse_build_output("type=docker,dest=x.tar").value().is_archive());
  CHECK(parse_build_output("type=registry").value().push);
  BuildOutput image = parse_build_output("type=image,name=a:1,push=true").value();
  CHECK(image.names == std::vector<std::string>{"a:1"});
  CHECK(image.push);
  CHECK_FALSE(parse_build_output("type=oci,tar=false,dest=d").value().packed);
}

TEST_CASE("outputs that make no sense") {
  CHECK(parse_build_output("type=lokal,dest=x").error().hint == "did you mean local?");
  CHECK(parse_build_output("type=local,dset=x").error().hint == "did you mean dest?");
  for (const char* text : {"type=local", "type=local,dest=-", "type=image,push=maybe", "", "dest=x",
                           "type=oci,tar=false", "type=local,dest", "type=image,compression=zstd"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_build_output(text).ok());
  }
}
