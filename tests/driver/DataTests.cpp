// `hornfels data`: from a server of our own, from files, and from what lies.
#include "Tool.h"

#include "frontend/driver/Sha256.h"

#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace driver_tests;

namespace {

TEST(Sha256, IsThatOfTheStandard) {
  auto of = [](const std::string &text, size_t piece) {
    hornfels::driver::Sha256 hash;
    for (size_t at = 0; at < text.size(); at += piece)
      hash.add(text.data() + at, std::min(piece, text.size() - at));
    return hash.finish();
  };
  EXPECT_EQ(of("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(of("abc", 1), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 7),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  for (size_t piece : {1u, 63u, 64u, 65u, 1000000u})
    EXPECT_EQ(of(std::string(1000000, 'a'), piece),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/// A server on this machine that answers every request with the same bytes, or without an end.
class Server {
public:
  explicit Server(std::string answer, bool endless = false) : answer(std::move(answer)), endless(endless) {
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), size) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr *>(&address), &size) != 0)
      std::abort();
    port = ntohs(address.sin_port);
    thread = std::thread([this] { serve(); });
  }
  ~Server() {
    stop = true;
    thread.join();
    close(listener);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
  std::string request() const { return lastRequest; } // once the tool has ended

private:
  void serve() {
    while (!stop) {
      pollfd waiting = {listener, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0)
        continue;
      int connection = accept(listener, nullptr, nullptr);
      char bytes[4096];
      ssize_t count = recv(connection, bytes, sizeof bytes, 0);
      lastRequest.assign(bytes, static_cast<size_t>(std::max<ssize_t>(count, 0)));
      size_t done = 0;
      while (!stop && (endless || done < answer.size())) {
        if (done == answer.size())
          done -= 1; // its last byte, for ever
        ssize_t sent = send(connection, answer.data() + done, answer.size() - done, MSG_NOSIGNAL);
        if (sent <= 0)
          break;
        done += static_cast<size_t>(sent);
      }
      close(connection);
    }
  }

  std::string answer, lastRequest;
  bool endless;
  int listener = -1, port = 0;
  std::atomic<bool> stop = false;
  std::thread thread;
};

std::string ok(const std::string &body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

std::string realFile(const std::string &name) {
  const char *folder = std::getenv("HORNFELS_DATA");
  if (!folder)
    return "";
  std::ifstream file(std::string(folder) + "/raw/" + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class DataTest : public ToolTest {
protected:
  Outcome data(std::vector<std::string> arguments, std::map<std::string, std::string> more = {}) {
    arguments.insert(arguments.begin(), "data");
    Setting setting;
    setting.environment = {
        {"XDG_CACHE_HOME", folder}, {"http_proxy", ""}, {"https_proxy", ""}, {"all_proxy", ""}};
    setting.environment.insert(more.begin(), more.end());
    return run(arguments, setting);
  }

  /// Refused with `code` and these words, nothing printed, nothing kept.
  void refused(const std::vector<std::string> &arguments, int code, const std::string &words) {
    Outcome outcome = data(arguments);
    EXPECT_EQ(outcome.exitCode, code) << outcome.err;
    EXPECT_NE(outcome.err.find(words), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(!exists("hornfels/data") || entries(path("hornfels/data")).empty());
  }
};

constexpr size_t bostonBytes = 57026;

TEST_F(DataTest, NamesWhatThereIs) {
  refused({"mnits"}, 2, "no data set `mnits`; did you mean `mnist`?; there are imdb, reuters, boston, mnist");
  refused({"mnist", "--from", "ftp://here/mnist.npz"}, 2,
          "option `--from`: `ftp://`: http, https and file are known");
}

TEST_F(DataTest, TakesNoOtherFile) {
  write("small.npz", "PK");
  write("other.npz", std::string(bostonBytes, 'x'));
  refused({"boston", "--from", "small.npz"}, 1, "small.npz: has 2 bytes, boston_housing.npz has 57026");
  refused({"boston", "--from", "other.npz"}, 1, "other.npz: its sha256 is ");
  refused({"boston", "--from", "file://" + path("other.npz")}, 1, "that of boston_housing.npz is f553886a");
  refused({"boston", "--from", "nowhere/boston_housing.npz"}, 3, "no such file");
  refused({"boston", "--from", "/dev/zero"}, 3, "/dev/zero: is not a regular file");
}

TEST_F(DataTest, TakesNoOtherAnswer) {
  Server other(ok(std::string(bostonBytes, 'x')));
  refused({"boston", "--from", other.url()}, 1, "/boston_housing.npz: its sha256 is ");
  EXPECT_EQ(other.request().rfind("GET /boston_housing.npz HTTP/1.1", 0), 0u) << other.request();
  Server large(ok(std::string(bostonBytes * 2, 'x')));
  refused({"boston", "--from", large.url()}, 1, "has more than the 57026 bytes of boston_housing.npz");
  Server endless("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx", true);
  refused({"boston", "--from", endless.url()}, 1, "has more than the 57026 bytes of boston_housing.npz");
  Server missing("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  refused({"boston", "--from", missing.url()}, 3, "without a network: fetch https://");
  Server away(
      "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  refused({"boston", "--from", away.url()}, 3, "not supported or disabled");
  Server cut("HTTP/1.1 200 OK\r\nContent-Length: 57026\r\nConnection: close\r\n\r\nPK");
  refused({"boston", "--from", cut.url()}, 3, "curl: (18)");
}

TEST_F(DataTest, SaysWhatToDoWithoutANetwork) {
  std::string nobody;
  { nobody = Server("").url(); }
  refused({"boston", "--from", nobody}, 3, "and give it by `hornfels data boston --from FILE`");
  Outcome outcome = data({"boston", "--from", nobody}, {{"PATH", "/nonexistent"}});
  EXPECT_EQ(outcome.exitCode, 3);
  EXPECT_NE(outcome.err.find("no `curl` in PATH: install it, or, without a network: fetch"),
            std::string::npos)
      << outcome.err;
}

TEST_F(DataTest, KeepsTheRightFileAndFetchesItOnce) {
  const std::string boston = realFile("boston_housing.npz");
  if (boston.empty())
    GTEST_SKIP() << "HORNFELS_DATA names no folder";
  const std::string kept = path("hornfels/data/boston_housing.npz");
  {
    Server server(ok(boston));
    Outcome outcome = data({"boston", "--from", server.url() + "/sets/"});
    EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
    EXPECT_EQ(outcome.out, kept + "\n");
    EXPECT_EQ(server.request().rfind("GET /sets/boston_housing.npz ", 0), 0u);
  }
  EXPECT_EQ(read("hornfels/data/boston_housing.npz"), boston);
  EXPECT_EQ(data({"boston"}).out, kept + "\n") << "it is there: no network is needed";
  write("hornfels/data/boston_housing.npz", "damaged");
  write("copy.npz", boston);
  Outcome outcome = data({"boston", "--from", "copy.npz"});
  EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("warning: "), std::string::npos);
  EXPECT_NE(outcome.err.find("has 7 bytes, boston_housing.npz has 57026; it is fetched again"),
            std::string::npos);
  EXPECT_EQ(read("hornfels/data/boston_housing.npz"), boston);
  EXPECT_EQ(entries(path("hornfels/data")), std::vector<std::string>{"boston_housing.npz"});
}

/// Right arrays, but not the public file's bytes: only the checksum tells.
TEST_F(DataTest, RefusesAFileThatOnlyLooksRight) {
  const std::string mnist = realFile("mnist.npz");
  if (mnist.empty())
    GTEST_SKIP() << "HORNFELS_DATA names no folder";
  Server server(ok(mnist));
  refused(
      {"mnist", "--from", server.url()}, 1,
      "its sha256 is 26b54b2e41c496300463e102eefa98b82156c291242058230eb946c04a050dcc, that of mnist.npz is "
      "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1; it was not kept");
}

} // namespace
