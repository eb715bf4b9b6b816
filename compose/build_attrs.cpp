#include "compose/codecs.h"

namespace berth::compose {
namespace {

constexpr Attr kBuildRows[] = {
    attr<&Build::additional_contexts, Labels>("additional_contexts"),
    attr<&Build::args, EnvMap>("args"),
    attr<&Build::cache_from, TextList>("cache_from").accepted("the cache is the local one"),
    attr<&Build::cache_to, TextList>("cache_to").accepted("the cache is the local one"),
    attr<&Build::context, Text>("context").remark("a directory, a git repository, or the URL of a tar or Dockerfile"),
    attr<&Build::dockerfile, Text>("dockerfile"),
    attr<&Build::dockerfile_inline, Text>("dockerfile_inline"),
    attr<&Build::entitlements, UniqueList>("entitlements").remark("security.insecure, network.host"),
    attr<&Build::extra_hosts, Hosts>("extra_hosts"),
    attr<&Build::isolation, Text>("isolation").accepted(),
    attr<&Build::labels, Labels>("labels"),
    attr<&Build::network, Text>("network"),
    attr<&Build::no_cache, IfTrue>("no_cache"),
    attr<&Build::no_cache_filter, TextOrList>("no_cache_filter"),
    attr<&Build::platforms, UniqueList>("platforms").remark("one at a time; RUN for another machine needs binfmt_misc"),
    attr<&Build::privileged, IfTrue>("privileged").remark("allows RUN --security=insecure"),
    attr<&Build::provenance, TextOrFlag>("provenance").accepted("no attestations are made"),
    attr<&Build::pull, IfTrue>("pull"),
    attr<&Build::sbom, TextOrFlag>("sbom").accepted("no attestations are made"),
    attr<&Build::secrets, SecretGrants>("secrets"),
    attr<&Build::shm_size, Bytes>("shm_size"),
    attr<&Build::ssh, Labels>("ssh"),
    attr<&Build::tags, UniqueList>("tags"),
    attr<&Build::target, Text>("target"),
    attr<&Build::ulimits, Ulimits>("ulimits"),
};

}  // namespace

const Table& build_table() {
  static constexpr Table kTable{"build section", kBuildRows, extensions_of<Build>};
  return kTable;
}

}  // namespace berth::compose
