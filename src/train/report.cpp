#include "train/report.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <iterator>
#include <optional>

#include "io/atomic_file.h"
#include "train/chart.h"

namespace pewter {
namespace {

using Points = std::vector<std::pair<double, double>>;

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--page:#f7f6f3;--card:#fff;--ink:#17171a;--soft:#5c5b57;--grid:#e5e3dd;
--axis:#a5a39c;--main:#2a78d6;--eval:#d4602a;--good:#17784a;--bad:#b3362c}
@media(prefers-color-scheme:dark){:root{--page:#121213;--card:#1c1c1e;--ink:#f2f1ee;--soft:#b4b2aa;
--grid:#333336;--axis:#77756f;--main:#5a9df0;--eval:#f08a55;--good:#5cc794;--bad:#f28b82}}
*{box-sizing:border-box}
body{margin:0 auto;padding:32px 20px 48px;max-width:1000px;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:24px;margin:0 0 2px;font-weight:650}h2{font-size:16px;margin:0 0 10px;font-weight:650}
p{margin:0;color:var(--soft)}
section,figure{background:var(--card);border:1px solid var(--grid);border-radius:10px;
padding:16px 18px;margin:16px 0 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(122px,1fr));gap:10px;margin-top:20px}
.tile{background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:10px 14px}
.tile b{display:block;font-size:21px;line-height:1.3;font-weight:650;white-space:nowrap}
.tile span{color:var(--soft);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(380px,100%),1fr));gap:0 16px}
figure{overflow-x:auto}.wide svg{min-width:640px}
svg{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",Roboto,
"DejaVu Sans",sans-serif}
.grid{stroke:var(--grid)}.axis{stroke:var(--axis)}
.tick{fill:var(--soft);font-variant-numeric:tabular-nums}.label,.legend{fill:var(--soft)}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.line.raw{stroke:var(--main);stroke-width:1;opacity:.4}.line.main{stroke:var(--main)}
.line.eval{stroke:var(--eval)}.dot{stroke:var(--card);stroke-width:1.5}
.dot.eval{fill:var(--eval)}.dot.main,.dot.raw{fill:var(--main)}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-top:1px solid var(--grid)}
tr:first-child>*{border-top:0}th{font-weight:400;color:var(--soft);white-space:nowrap;width:1%}
td{overflow-wrap:anywhere}
.settings{columns:2 360px;column-gap:36px}.settings div{display:flex;gap:12px;padding:4px 0;
break-inside:avoid;border-bottom:1px solid var(--grid)}
.settings span{color:var(--soft);flex:0 0 150px}.settings b{font-weight:400;overflow-wrap:anywhere}
.sample{padding:12px 0;border-top:1px solid var(--grid)}.sample:first-of-type{border-top:0}
.sample h3{font-size:15px;margin:0 0 4px;font-weight:600;overflow-wrap:anywhere}
code{font:13px/1.45 ui-monospace,"SF Mono",Menlo,"DejaVu Sans Mono",monospace;white-space:pre-wrap}
.right{color:var(--good)}.wrong{color:var(--bad)}
)";

// What the lines of the log say, by kind.
struct Run {
  io::Json settings = io::Json::object();
  Points loss, learning_rate, speed, eval_loss, exact_match;
  io::Json before, after;  // arrays of samples
  double tokens = 0, seconds = 0;

  double step_count() const { return loss.empty() ? 0 : loss.back().first; }
};

std::optional<double> number(const io::Json& line, const char* field) {
  const auto found = line.find(field);
  if (found == line.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

Run read_run(const std::vector<io::Json>& log) {
  Run run;
  for (const io::Json& line : log) {
    const auto step = number(line, "step");
    if (!step) continue;
    const auto add = [&](Points* points, const char* field, double factor = 1) {
      const auto value = number(line, field);
      if (value && std::isfinite(*value)) points->emplace_back(*step, *value * factor);
    };
    add(&run.loss, "loss");
    add(&run.learning_rate, "learning_rate");
    add(&run.speed, "tokens_per_second");
    add(&run.eval_loss, "eval_loss");
    add(&run.exact_match, "exact_match", 100);
    run.tokens = number(line, "tokens").value_or(run.tokens);
    run.seconds = number(line, "seconds").value_or(run.seconds);
    if (line.contains("settings") && line["settings"].is_object()) run.settings = line["settings"];
    if (line.contains("samples") && line["samples"].is_array()) {
      (*step == 0 ? run.before : run.after) = line["samples"];
    }
  }
  return run;
}

// Mean over about a twentieth of the run around each point, nearer ones weighing more: a mean of
// what came before would lag behind a falling curve.
Points smoothed(const Points& points) {
  const auto count = static_cast<int64_t>(points.size()), reach = std::max<int64_t>(1, count / 20);
  Points out;
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0, weight = 0;
    for (int64_t j = std::max<int64_t>(0, i - reach); j <= std::min(count - 1, i + reach); ++j) {
      const auto w = static_cast<double>(reach + 1 - std::abs(i - j));
      sum += w * points[static_cast<size_t>(j)].second;
      weight += w;
    }
    out.emplace_back(points[static_cast<size_t>(i)].first, sum / weight);
  }
  return out;
}

// Losses that span more than a decade or so are read on a logarithmic axis.
bool spans_decades(const std::vector<Series>& series) {
  double low = INFINITY, high = 0;
  for (const Series& s : series) {
    for (const auto& [x, y] : s.points) low = std::min(low, y), high = std::max(high, y);
  }
  return low > 0 && high / low > 15;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  if (whole < 3600) return fmt::format("{}:{:02} min", whole / 60, whole % 60);
  return fmt::format("{}:{:02} h", whole / 3600, whole / 60 % 60);
}

std::string value_text(const io::Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_unsigned() || value.is_number_integer()) {
    const auto n = value.get<int64_t>();
    return std::abs(n) < int64_t{1} << 50 ? tick_text(static_cast<double>(n)) : fmt::to_string(n);
  }
  if (!value.is_array()) return io::to_json_text(value);
  std::string list;
  for (const io::Json& v : value) list += (list.empty() ? "" : ", ") + value_text(v);
  return list;
}

class Page {
 public:
  explicit Page(const Run& run) : run_(run) {}

  std::string html() {
    put("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    put("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    put("<title>pewter: training report</title><style>{}</style></head><body>", kStyle);
    put("<h1>Training report</h1><p>{}</p>", subtitle());
    tiles();
    charts();
    samples();
    settings();
    put("</body></html>");
    return out_;
  }

 private:
  template <typename... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  std::string setting(const char* name) const {
    const auto found = run_.settings.find(name);
    return found == run_.settings.end() ? "" : escape_html(value_text(*found));
  }

  std::string subtitle() const {
    const std::string model = setting("model"), data = setting("data");
    const bool lora = run_.settings.contains("rank");
    return fmt::format("{} of {} on {}",
                       lora ? fmt::format("LoRA fine-tuning (rank {})", setting("rank"))
                            : "Training of all parameters",
                       model, data);
  }

  void tile(const std::string& value, const std::string& label) {
    put("<div class=\"tile\"><b>{}</b><span>{}</span></div>", value, label);
  }

  void tiles() {
    put("<div class=\"tiles\">");
    if (!run_.loss.empty()) {
      tile(fmt::format("{:.4f}", smoothed(run_.loss).back().second), "training loss, smoothed");
    }
    if (!run_.eval_loss.empty()) {
      tile(fmt::format("{:.4f}", run_.eval_loss.back().second), "evaluation loss");
    }
    if (!run_.exact_match.empty()) {
      tile(fmt::format("{:.1f} %", run_.exact_match.back().second), "exact match");
    }
    if (run_.step_count() > 0) tile(tick_text(run_.step_count()), "steps");
    tile(tick_text(run_.tokens), "tokens trained on");
    if (!run_.speed.empty()) {
      tile(fmt::format("{:.0f}", smoothed(run_.speed).back().second), "tokens per second");
    }
    tile(duration_text(run_.seconds), "time");
    put("</div>");
  }

  void figure(const Chart& chart) {
    const std::string svg = to_svg(chart);
    if (svg.empty()) return;
    put("<figure{}><h2>{}</h2>{}</figure>", chart.width > 640 ? " class=\"wide\"" : "",
        escape_html(chart.title), svg);
  }

  void charts() {
    Chart loss{"Loss", "step", "loss (nats per token)", {}, true};
    if (run_.loss.size() > 1) {
      loss.series.push_back({"each step", "raw", run_.loss});
      loss.series.push_back({"smoothed", "main", smoothed(run_.loss)});
    }
    if (!run_.eval_loss.empty()) {
      loss.series.push_back({"evaluation", "eval", run_.eval_loss, true});
    }
    loss.logarithmic = spans_decades(loss.series);
    loss.width = 940;
    loss.height = 340;
    figure(loss);
    if (run_.exact_match.size() > 1) {
      Chart match{"Exact match on the evaluation data",
                  "step",
                  "answers exactly right (%)",
                  {{"", "eval", run_.exact_match, true}},
                  true};
      match.y_most = 100;
      match.width = 940;
      match.height = 260;
      figure(match);
    }
    put("<div class=\"pair\">");
    Chart rate{"Learning rate", "step", "learning rate", {{"", "main", run_.learning_rate}}, true};
    small(&rate);
    Chart speed{"Speed", "step", "tokens per second", {{"", "main", run_.speed}}, true};
    small(&speed);
    put("</div>");
  }

  void small(Chart* chart) {
    chart->width = 450;
    chart->height = 260;
    figure(*chart);
  }

  void samples() {
    const io::Json& list = run_.after.is_array() ? run_.after : run_.before;
    if (!list.is_array() || list.empty()) return;
    put("<section><h2>Sample answers</h2>");
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string expected = text(list[i], "expected");
      put("<div class=\"sample\"><h3>{}</h3><table>", escape_html(text(list[i], "prompt")));
      put("<tr><th>expected</th><td><code>{}</code></td></tr>", escape_html(expected));
      if (run_.before.is_array() && i < run_.before.size()) {
        answer("before", text(run_.before[i], "answer"), expected);
      }
      if (run_.after.is_array()) answer("after", text(run_.after[i], "answer"), expected);
      put("</table></div>");
    }
    put("</section>");
  }

  static std::string text(const io::Json& sample, const char* field) {
    if (!sample.is_object()) return "";
    const auto found = sample.find(field);
    return found != sample.end() && found->is_string() ? found->get<std::string>() : "";
  }

  void answer(const char* when, const std::string& given, const std::string& expected) {
    const bool right = given == expected;
    put("<tr><th>{}</th><td><code>{}</code> <span class=\"{}\">{}</span></td></tr>", when,
        escape_html(given), right ? "right" : "wrong", right ? "✓&nbsp;right" : "✗&nbsp;differs");
  }

  void settings() {
    put("<section><h2>Settings</h2><div class=\"settings\">");
    io::Json rest = run_.settings;
    // What a reader looks for first; what is not named here follows in alphabetical order.
    for (const char* key :
         {"model",         "parameters", "trained", "rank",      "alpha",      "rslora",
          "dropout",       "targets",    "data",    "eval data", "examples",   "examples dropped",
          "examples cut",  "steps",      "epochs",  "batch",     "accumulate", "seq_len",
          "learning_rate", "schedule",   "warmup"}) {
      if (!rest.contains(key)) continue;
      setting_row(key, rest[key]);
      rest.erase(key);
    }
    for (const auto& [key, value] : rest.items()) setting_row(key, value);
    put("</div></section>");
  }

  void setting_row(const std::string& key, const io::Json& value) {
    put("<div><span>{}</span><b>{}</b></div>", escape_html(key), escape_html(value_text(value)));
  }

  const Run& run_;
  std::string out_;
};

}  // namespace

std::string report_html(const std::vector<io::Json>& log) { return Page(read_run(log)).html(); }

void write_report(const std::filesystem::path& path, const std::vector<io::Json>& log) {
  io::write_file_atomically(path, report_html(log));
}

}  // namespace pewter
