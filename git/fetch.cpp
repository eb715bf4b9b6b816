#include "git/fetch.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "dockerfile/git_remote.h"

namespace berth::git {
namespace {

/// What a server says that it has.
struct Head {
  std::string name;
  git_oid id;
};

/// Credentials, each tried once: a server that refuses them would ask for ever.
class Answers {
 public:
  explicit Answers(const Access& access) : access_(access) {}

  static int credentials(git_credential** out, const char*, const char* user, unsigned allowed, void* payload) {
    return static_cast<Answers*>(payload)->answer(out, user, allowed);
  }

 private:
  int answer(git_credential** out, const char* user, unsigned allowed) {
    const char* who = user != nullptr && *user != '\0' ? user : "git";
    if ((allowed & GIT_CREDENTIAL_USERNAME) != 0) return git_credential_username_new(out, who);
    if (tried_) return refuse("the server does not accept what it was given");
    tried_ = true;
    if ((allowed & GIT_CREDENTIAL_SSH_KEY) != 0) {
      if (getenv("SSH_AUTH_SOCK") != nullptr) return git_credential_ssh_key_from_agent(out, who);
      return refuse("the server wants a key, and there is no agent that has one (--ssh default, SSH_AUTH_SOCK)");
    }
    if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) != 0 && !access_.token.empty())
      return git_credential_userpass_plaintext_new(out, "x-access-token", access_.token.c_str());
    return refuse("it is not there for everybody (--secret id=GIT_AUTH_TOKEN,…)");
  }

  static int refuse(const char* why) {
    git_error_set_str(GIT_ERROR_NET, why);
    return GIT_EAUTH;
  }

  const Access& access_;
  bool tried_ = false;
};

/// A connection to a repository elsewhere.
class Connection {
 public:
  Connection(git_repository* repository, const std::string& url, const Access& access)
      : repository_(repository), url_(url), answers_(access) {
    options_.callbacks.credentials = Answers::credentials;
    options_.callbacks.payload = &answers_;
    options_.proxy_opts.type = GIT_PROXY_AUTO;
    options_.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    options_.update_fetchhead = 0;
    // libgit2 would take what is for this host along to wherever it is sent; other ports count as the same host.
    bool secret = !access.token.empty() || !access.header.empty() || url.find('@') != std::string::npos;
    if (secret) options_.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
    if (access.header.empty()) return;
    header_ = "Authorization: " + access.header;
    header_text_ = header_.data();
    options_.custom_headers = {&header_text_, 1};
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status open() {
    git_remote_create_options how = GIT_REMOTE_CREATE_OPTIONS_INIT;
    how.repository = repository_;
    how.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF;
    git_remote* remote = nullptr;
    if (git_remote_create_with_opts(&remote, url_.c_str(), &how) != 0) return failure("open");
    remote_.reset(remote);
    git_remote_connect_options connect = GIT_REMOTE_CONNECT_OPTIONS_INIT;
    connect.callbacks = options_.callbacks;
    connect.proxy_opts = options_.proxy_opts;
    connect.custom_headers = options_.custom_headers;
    connect.follow_redirects = options_.follow_redirects;
    int code = git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &connect);
    if (code == 0) return {};
    Error error = failure("connect");
    if (code == GIT_ECERTIFICATE)
      error.hint = dockerfile::is_http(url_)
                       ? "who has signed the server's certificate is not believed here"
                       : "the server's key is not the one in ~/.ssh/known_hosts, or not there at all";
    return error;
  }

  Result<std::vector<Head>> heads() {
    const git_remote_head** list = nullptr;
    size_t count = 0;
    if (git_remote_ls(&list, &count, remote_.get()) != 0) return failure("list what there is");
    std::vector<Head> heads;
    for (size_t i = 0; i < count; ++i) heads.push_back({list[i]->name, list[i]->oid});
    return heads;
  }

  Status download(std::vector<std::string> what) {
    std::vector<char*> texts;
    for (std::string& one : what) texts.push_back(one.data());
    git_strarray names{texts.data(), texts.size()};
    if (git_remote_download(remote_.get(), &names, &options_) != 0) return failure("fetch");
    return {};
  }

 private:
  git_repository* repository_;
  std::string url_, header_;
  char* header_text_ = nullptr;
  Answers answers_;
  git_fetch_options options_ = GIT_FETCH_OPTIONS_INIT;
  Handle<git_remote> remote_;
};

std::optional<git_oid> as_commit_id(const std::string& ref) {
  git_oid id;
  if (ref.size() != GIT_OID_HEXSZ || git_oid_fromstr(&id, ref.c_str()) != 0) return std::nullopt;
  return id;
}

/// The commit behind an object, an annotated tag for example, if it is here.
Handle<git_commit> commit_here(git_repository* repository, const git_oid& id) {
  git_object *object = nullptr, *commit = nullptr;
  if (git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY) != 0) return nullptr;
  Handle<git_object> held(object);
  if (git_object_peel(&commit, object, GIT_OBJECT_COMMIT) != 0) return nullptr;
  return Handle<git_commit>(reinterpret_cast<git_commit*>(commit));
}

const Head* find(const std::vector<Head>& heads, const std::string& name) {
  auto found = std::find_if(heads.begin(), heads.end(), [&](const Head& head) { return head.name == name; });
  return found == heads.end() ? nullptr : &*found;
}

Result<Head> choose(const std::vector<Head>& heads, const std::string& ref) {
  if (heads.empty()) return make_error("the repository is empty");
  if (ref.empty() || ref == "HEAD") {
    const Head* head = find(heads, "HEAD");
    if (head != nullptr) return *head;
    return make_error("the repository has no default branch", "name one: #BRANCH");
  }
  for (const std::string& name :
       {ref.starts_with("refs/") ? ref : "refs/" + ref, "refs/heads/" + ref, "refs/tags/" + ref}) {
    if (const Head* head = find(heads, name)) return *head;
  }
  std::vector<std::string> names;
  for (const Head& head : heads) {
    for (const char* kind : {"refs/heads/", "refs/tags/"}) {
      if (head.name.starts_with(kind)) names.push_back(head.name.substr(std::string_view(kind).size()));
    }
  }
  std::optional<std::string> near = nearest(ref, names);
  return make_error(fmt::format("there is no branch, tag or commit \"{}\"", printable(ref)),
                    near ? fmt::format("did you mean \"{}\"?", printable(*near)) : "");
}

/// So that the next fetch need not bring again what this one has brought.
void remember(git_repository* repository, const git_commit* commit) {
  const git_oid* id = git_commit_id(commit);
  git_reference* reference = nullptr;
  if (git_reference_create(&reference, repository, ("refs/fetched/" + hex(*id)).c_str(), id, 1, nullptr) == 0)
    git_reference_free(reference);
}

Result<Handle<git_commit>> fetch(git_repository* repository, Connection& connection, const std::string& ref) {
  BERTH_TRY_OK(connection.open());
  BERTH_TRY(std::vector<Head> heads, connection.heads());
  std::optional<git_oid> wanted = as_commit_id(ref);
  if (!wanted) {
    BERTH_TRY(Head head, choose(heads, ref));
    wanted = head.id;
    if (!commit_here(repository, *wanted)) BERTH_TRY_OK(connection.download({head.name}));
  } else if (!connection.download({ref})) {
    // A server need not give commits that no branch ends in: then all that it has, with this one among it.
    BERTH_TRY_OK(connection.open());
    BERTH_TRY_OK(connection.download({"+refs/heads/*:refs/all/heads/*", "+refs/tags/*:refs/all/tags/*"}));
  }
  Handle<git_commit> commit = commit_here(repository, *wanted);
  if (commit == nullptr) return make_error(fmt::format("\"{}\" is no commit there", printable(ref)));
  remember(repository, commit.get());
  return commit;
}

}  // namespace

Result<Handle<git_repository>> open_repository(const std::string& path, bool bare) {
  git_repository* repository = nullptr;
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_MKPATH;
  if (bare) options.flags |= GIT_REPOSITORY_INIT_BARE;
  if (git_repository_init_ext(&repository, path.c_str(), &options) != 0) return failure("make a repository in " + path);
  Handle<git_repository> made(repository);
  git_config* config = nullptr;
  // Whatever the user's own configuration says of line ends.
  if (git_repository_config(&config, repository) != 0) return failure("configure " + path);
  Handle<git_config> held(config);
  if (git_config_set_string(config, "core.autocrlf", "false") != 0) return failure("configure " + path);
  return made;
}

Result<Handle<git_commit>> fetch_commit(git_repository* repository, const std::string& url, const std::string& ref,
                                        const Access& access) {
  if (std::optional<git_oid> id = as_commit_id(ref)) {
    if (Handle<git_commit> commit = commit_here(repository, *id)) return commit;
  }
  Connection connection(repository, url, access);
  dockerfile::GitRemote shown;
  shown.url = url;
  return fetch(repository, connection, ref).context("git repository {}", shown.shown());
}

}  // namespace berth::git
