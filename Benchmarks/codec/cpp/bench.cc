// The C++ side: the same messages and the same command line as Sources/Harness. Messages are on the
// heap or the stack, in no arena; each round makes a new string, or a new message.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <time.h>
#include <vector>

#include "codec.pb.h"

using namespace codecbench::v1;
using std::string;

template <typename T> static inline void consume(T const& value) { asm volatile("" : : "r"(&value) : "memory"); }

// MARK: Samples, as in Sources/Harness/Samples.swift

static const int64_t first_day = 1772409600;
static const char* const locations[] = {"head-office", "warehouse-north", "plant-2", "distribution-centre-south"};

template <typename... A> static string text(const char* format, A... a) {
  char buffer[128];
  snprintf(buffer, sizeof buffer, format, a...);
  return buffer;
}

static SmallRequest request() {
  SmallRequest r;
  r.set_location("warehouse-north");
  r.set_device("CQZ7224460103");
  r.set_after(1000999);
  r.set_limit(500);
  string cursor;
  for (int i = 0; i < 56; i++) cursor += char(i * 37 % 256);
  r.set_cursor(cursor);
  return r;
}

static void fill(Punch* p, int i) {
  p->set_device(text("CQZ72244%d", 60100 + i % 12));
  p->set_resolved_user(text("%d", 1000 + i * 37 % 9000));
  p->set_user(i % 5 == 0 ? text("#%d", i % 300) : p->resolved_user());
  int day = i / 100, second = 21600 + i * 61 % 50400;
  p->set_local_time(text("2026-03-%02dT%02d:%02d:%02d", 2 + day, second / 3600, second / 60 % 60, second % 60));
  p->set_state(i % 17 == 16 ? 255 : i % 6);
  p->set_verify(i % 3 == 0 ? 15 : 1);
  p->set_work_code(i % 4);
  p->set_source(PunchSource(1 + i % 3));
  int64_t instant = first_day + day * 86400 + second - 7200;
  p->mutable_instant()->set_seconds(instant);
  p->mutable_received_at()->set_seconds(instant + 2);
  p->mutable_received_at()->set_nanos(i * 131 % 1000 * 1000000);
}

static PunchPage page() {
  PunchPage page;
  for (int i = 0; i < 1000; i++) {
    StoredPunch* s = page.add_punches();
    s->set_sequence(1000000 + i);
    s->set_location(locations[i % 4]);
    fill(s->mutable_punch(), i);
  }
  page.set_next_cursor("v1.eyJzZXF1ZW5jZSI6MTAwMDk5OSwiZSI6IjRmMmMifQ");
  page.set_has_more(true);
  page.set_complete(true);
  page.mutable_as_of()->set_seconds(first_day + 10 * 86400);
  page.mutable_as_of()->set_nanos(412000000);
  for (int i = 0; i < 4; i++) {
    Source* s = page.add_sources();
    s->set_location(locations[i]);
    s->set_state(LINK_STATE_LINKED);
    s->mutable_complete_through()->set_seconds(first_day + 10 * 86400 - 30 * (i + 1));
    s->set_last_sequence(250000 + i);
  }
  return page;
}

static Blob blob() {
  string data;
  for (uint64_t i = 0; i < 1 << 20; i++) data += char(i * 2654435761 >> 13);
  Blob b;
  b.set_data(data);
  return b;
}

// MARK: Rows

static std::map<string, std::function<void(long)>> rows;
static std::map<string, string> encodings;

template <typename M> static void measured(const string& name, const M& filled) {
  M* message = new M(filled);  // for as long as the program runs
  string& bytes = encodings[name];
  message->SerializeToString(&bytes);
  M back;
  if (!back.ParseFromArray(bytes.data(), bytes.size()) || back.SerializeAsString() != bytes) abort();
  rows[name + ".encode"] = [message](long n) {
    for (long i = 0; i < n; i++) { string out; message->SerializeToString(&out); consume(out); }
  };
  rows[name + ".decode"] = [&bytes](long n) {
    for (long i = 0; i < n; i++) { M m; if (!m.ParseFromArray(bytes.data(), bytes.size())) abort(); consume(m); }
  };
}

static void memcpy_rows() {
  const size_t size = 1 << 20;
  char* from = new char[size];
  char* to = new char[size];
  memset(from, 1, size);
  memset(to, 2, size);
  rows["memcpy.same"] = [=](long n) {
    for (long i = 0; i < n; i++) { memcpy(to, from, size); consume(*to); }
  };
  rows["memcpy.fresh"] = [=](long n) {
    for (long i = 0; i < n; i++) { void* p = malloc(size); memcpy(p, from, size); consume(*(char*)p); free(p); }
  };
}

static double now() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
  measured("request", request());
  Punch p;
  fill(&p, 7);
  measured("punch", p);
  measured("page", page());
  measured("blob", blob());
  memcpy_rows();
  std::map<string, string> options;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--list")) { for (auto& r : rows) puts(r.first.c_str()); return 0; }
    if (i + 1 < argc) { options[argv[i]] = argv[i + 1]; i++; }
  }
  if (options.count("--bytes")) {
    const string& bytes = encodings[options["--bytes"]];
    return fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
  }
  auto row = rows.find(options["--row"]);
  if (row == rows.end()) {
    fputs("usage: bench --bytes MESSAGE | --list | --row MESSAGE.ROW [--secs S] [--warm S] [--count N]\n", stderr);
    return 1;
  }
  if (options.count("--count")) { row->second(atol(options["--count"].c_str())); return 0; }
  double warm = options.count("--warm") ? atof(options["--warm"].c_str()) : 0.1;
  double secs = options.count("--secs") ? atof(options["--secs"].c_str()) : 0.3;
  auto time = [&](long n) { double start = now(); row->second(n); return now() - start; };
  long count = 1;
  double took = time(count);
  while (took < warm / 2) { count *= 2; took = time(count); }
  count = std::max(1L, long(secs / took * count * 1.05));
  took = time(count);
  printf("{\"row\": \"%s\", \"ns\": %.3f, \"count\": %ld}\n", row->first.c_str(), took * 1e9 / count, count);
}
