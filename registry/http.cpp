#include "registry/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <unordered_map>

#include "base/text.h"
#include "base/version.h"
#include "registry/http_failure.h"
#include "sys/file.h"

namespace berth::registry {

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyCloser>;

namespace {

constexpr size_t kHeaderLimit = 256 << 10;

struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListCloser>;

/// One request on its way; libcurl calls back into it.
struct Transfer {
  const HttpRequest& request;
  const std::function<bool()>& cancelled;
  HttpResponse response{};
  std::optional<Error> stopped{};  // why we ended it ourselves
  size_t header_bytes = 0;
  bool head_complete = false;
  sys::UniqueFd file{};
  uint64_t sent = 0;
  bool cut = false;  // the words of an error went on and on; what we have of them is enough

  /// False ends the transfer.
  bool header_line(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kHeaderLimit)
      return stop(make_error(fmt::format("more than {} bytes of headers", kHeaderLimit)));
    if (head_complete) return true;  // a trailer
    line = trim(line);
    if (line.starts_with("HTTP/")) {  // of an interim answer, too
      response.headers.clear();
      size_t space = line.find(' ');
      auto status = parse_unsigned(space == line.npos ? "" : line.substr(space + 1, 3));
      response.status = status ? static_cast<int>(*status) : 0;
      return true;
    }
    if (line.empty()) {
      head_complete = response.status >= 200;
      if (head_complete && response.success() && request.on_head) return proceed(request.on_head(response));
      return true;
    }
    size_t colon = line.find(':');
    if (colon == line.npos) return true;
    response.headers.emplace_back(to_lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
    return true;
  }

  bool body(std::string_view bytes) {
    if (response.success() && request.sink) return proceed(request.sink(bytes));
    size_t room = request.limit - std::min(request.limit, response.body.size());
    if (bytes.size() > room && response.success()) {
      return stop(make_error(fmt::format("answer is longer than {} bytes", request.limit)));
    }
    response.body.append(bytes.substr(0, room));
    cut = bytes.size() > room;
    return !cut;
  }

  bool proceed(Status status) { return status.ok() || stop(std::move(status).error()); }
  bool stop(Error error) {
    stopped = std::move(error);
    return false;
  }
};

size_t on_header(char* data, size_t, size_t size, void* transfer) {
  return static_cast<Transfer*>(transfer)->header_line({data, size}) ? size : 0;
}

size_t on_body(char* data, size_t, size_t size, void* transfer) {
  return static_cast<Transfer*>(transfer)->body({data, size}) ? size : CURL_WRITEFUNC_ERROR;
}

size_t on_read(char* data, size_t, size_t size, void* pointer) {
  auto* transfer = static_cast<Transfer*>(pointer);
  ssize_t n = pread(transfer->file.get(), data, size, static_cast<off_t>(transfer->sent));
  if (n < 0) {
    transfer->stop(sys_error("read " + transfer->request.upload->path, errno));
    return CURL_READFUNC_ABORT;
  }
  transfer->sent += static_cast<uint64_t>(n);
  if (transfer->request.upload->progress) transfer->request.upload->progress(transfer->sent);
  return static_cast<size_t>(n);
}

int on_seek(void* transfer, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(transfer)->sent = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

/// libcurl calls this about once a second, also while nothing comes.
int on_progress(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* transfer = static_cast<Transfer*>(pointer);
  if (!transfer->cancelled()) return 0;
  transfer->stop(sys_error(transfer->request.url.authority, ECANCELED));
  return 1;
}

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  (void)curl_easy_setopt(easy, option, value);  // fails for options that the build lacks; none of ours
}

void set_limits(CURL* easy, const Patience& patience, bool upload) {
  auto milliseconds = [](Duration duration) {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  };
  auto seconds = std::max<long>(1, milliseconds(patience.stall) / 1000);
  // libcurl gives an address half of what is left while there are others.
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, 2 * milliseconds(patience.connect));
  set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  // A registry may take minutes to check and store what it has been sent.
  set(easy, CURLOPT_LOW_SPEED_TIME, upload ? 10 * seconds : seconds);
}

/// PEM of the system's authorities and `more`: CAINFO_BLOB replaces what libcurl takes by itself.
std::string with_system_authorities(const std::string& more) {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  Result<std::string> system = sys::read_file(info->cainfo != nullptr ? info->cainfo : "");
  return (system ? *system + "\n" : "") + more;
}

void set_trust(CURL* easy, const Trust& trust) {
  set(easy, CURLOPT_SSL_VERIFYPEER, trust.verify ? 1L : 0L);
  set(easy, CURLOPT_SSL_VERIFYHOST, trust.verify ? 2L : 0L);
  if (!trust.authorities.empty()) {
    std::string pem = with_system_authorities(trust.authorities);
    curl_blob blob{pem.data(), pem.size(), CURL_BLOB_COPY};
    set(easy, CURLOPT_CAINFO_BLOB, &blob);
  }
  if (!trust.certificate.empty()) {
    set(easy, CURLOPT_SSLCERT, trust.certificate.c_str());
    set(easy, CURLOPT_SSLKEY, trust.key.c_str());
  }
}

List set_headers(CURL* easy, const HttpRequest& request) {
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) list = curl_slist_append(list, header.c_str());
  set(easy, CURLOPT_HTTPHEADER, list);
  return List(list);
}

void set_body(CURL* easy, Transfer& transfer) {
  const HttpRequest& request = transfer.request;
  if (request.upload != nullptr) {
    set(easy, CURLOPT_UPLOAD, 1L);
    set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload->size));
    set(easy, CURLOPT_READFUNCTION, &on_read);
    set(easy, CURLOPT_READDATA, &transfer);
    set(easy, CURLOPT_SEEKFUNCTION, &on_seek);
    set(easy, CURLOPT_SEEKDATA, &transfer);
  } else if (request.method == "POST" || request.method == "PUT") {
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.method == "HEAD")
    set(easy, CURLOPT_NOBODY, 1L);
  else
    set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

}  // namespace

std::string HttpResponse::header(std::string_view name) const {
  auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? "" : found->second;
}

std::vector<std::string> HttpResponse::all_headers(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : headers) {
    if (key == name) values.push_back(value);
  }
  return values;
}

/// Idle handles by the server they are connected to.
struct Http::Pool {
  std::mutex mutex;
  std::unordered_multimap<std::string, Easy> idle;

  Easy take(const std::string& origin) {
    std::lock_guard lock(mutex);
    auto found = idle.find(origin);
    if (found == idle.end()) return Easy(curl_easy_init());
    Easy easy = std::move(found->second);
    idle.erase(found);
    return easy;
  }
  void put_back(const std::string& origin, Easy easy) {
    curl_easy_reset(easy.get());  // keeps the connection
    std::lock_guard lock(mutex);
    idle.emplace(origin, std::move(easy));
  }
};

Http::Http(Patience patience) : patience_(patience), pool_(std::make_unique<Pool>()) {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)once;
}

Http::~Http() = default;

Attempt<HttpResponse> Http::perform(const HttpRequest& request) {
  Transfer transfer{request, patience_.cancelled};
  transfer.response.url = request.url;
  if (request.upload != nullptr) {
    Result<sys::UniqueFd> file = sys::open_file(request.upload->path, O_RDONLY);
    if (!file) return failure(Failure::Kind::ours, std::move(file).error());
    transfer.file = std::move(*file);
  }
  char why[CURL_ERROR_SIZE] = "";
  Easy easy = pool_->take(request.url.origin);
  set(easy.get(), CURLOPT_ERRORBUFFER, why);
  set(easy.get(), CURLOPT_URL, request.url.text.c_str());
  set(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy.get(), CURLOPT_NOSIGNAL, 1L);
  set(easy.get(), CURLOPT_USERAGENT, (std::string("berth/") + kVersion).c_str());
  set(easy.get(), CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(easy.get(), CURLOPT_BUFFERSIZE, 128L << 10);
  // As in Docker, no proxy stands between us and our own machine, whatever the environment says of proxies.
  if (is_loopback(request.url.authority)) set(easy.get(), CURLOPT_PROXY, "");
  set_limits(easy.get(), patience_, request.upload != nullptr);
  set_trust(easy.get(), request.trust);
  List headers = set_headers(easy.get(), request);
  set_body(easy.get(), transfer);
  set(easy.get(), CURLOPT_HEADERFUNCTION, &on_header);
  set(easy.get(), CURLOPT_HEADERDATA, &transfer);
  set(easy.get(), CURLOPT_WRITEFUNCTION, &on_body);
  set(easy.get(), CURLOPT_WRITEDATA, &transfer);
  set(easy.get(), CURLOPT_NOPROGRESS, 0L);
  set(easy.get(), CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(easy.get(), CURLOPT_XFERINFODATA, &transfer);

  CURLcode code = curl_easy_perform(easy.get());
  if (transfer.stopped) return failure(Failure::Kind::ours, std::move(*transfer.stopped));  // the connection goes, too
  if (transfer.cut) return std::move(transfer.response);
  if (code != CURLE_OK) {
    curl_off_t connected_us = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_CONNECT_TIME_T, &connected_us);
    return tl::make_unexpected(curl_failure(code, why, request.url, connected_us > 0));
  }
  pool_->put_back(request.url.origin, std::move(easy));
  return std::move(transfer.response);
}

}  // namespace berth::registry
