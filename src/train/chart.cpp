#include "train/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace pewter {
namespace {

// Where an axis' numbers lie on the page.
struct Axis {
  double low, high;  // data
  double from, to;   // page
  bool logarithmic = false;

  double at(double value) const {
    const auto place = [&](double v) { return logarithmic ? std::log10(v) : v; };
    return from + (to - from) * (place(value) - place(low)) / (place(high) - place(low));
  }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double v) { low = std::min(low, v), high = std::max(high, v); }
  bool empty() const { return low > high; }
};

// A little air above and below, so that lines do not run along the frame.
Range y_range(const Chart& chart, Range data) {
  if (chart.y_most > 0) data.add(chart.y_most);
  if (chart.logarithmic) {
    const double air = std::pow(data.high / data.low, 0.04);
    return {data.low / std::max(air, 1.05), data.high * std::max(air, 1.05)};
  }
  if (chart.from_zero) data.add(0);
  if (data.low == data.high) {
    const double half = data.low == 0 ? 1 : std::abs(data.low) / 2;
    return {data.low - half, data.high + half};
  }
  const double air = (data.high - data.low) * 0.05;
  // A share of 100 % is its own limit; what begins at zero begins there exactly.
  const double high = chart.y_most > 0 ? data.high : data.high + air;
  return {chart.from_zero && data.low == 0 ? 0 : data.low - air, high};
}

// At most about 1500 points: of each bucket of a longer series the lowest and the highest.
std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& all) {
  const size_t bucket = all.size() / 750;
  if (bucket < 3) return all;
  std::vector<std::pair<double, double>> kept;
  for (size_t at = 0; at < all.size(); at += bucket) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), at + bucket));
    auto [low, high] = std::minmax_element(
        first, last, [](const auto& a, const auto& b) { return a.second < b.second; });
    if (high < low) std::swap(low, high);
    kept.push_back(*low);
    if (low != high) kept.push_back(*high);
  }
  return kept;
}

class Drawing {
 public:
  Drawing(const Chart& chart, Range x, Range y)
      : chart_(chart),
        // Room on the left for the widest tick text.
        x_{x.low, x.high, 0, chart.width - 14.0},
        y_{y.low, y.high, chart.height - 40.0, chart.series.size() > 1 ? 36.0 : 10.0,
           chart.logarithmic} {
    y_ticks_ = chart.logarithmic ? decade_ticks(y.low, y.high) : round_ticks(y.low, y.high, 6);
    size_t widest = 1;
    for (const double t : y_ticks_) widest = std::max(widest, tick_text(t).size());
    x_.from = 34 + 7.0 * static_cast<double>(widest);
    if (x.low == x.high) x_.low -= 1, x_.high += 1;
  }

  std::string draw() {
    put("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", chart_.width, chart_.height,
        escape_html(chart_.title));
    axes();
    for (const Series& series : chart_.series) line(series);
    if (chart_.series.size() > 1) legend();
    put("</svg>");
    return out_;
  }

 private:
  template <typename... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  void axes() {
    for (const double tick : y_ticks_) {
      const double at = y_.at(tick);
      put("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x_.from,
          x_.to, at, at);
      put("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
          x_.from - 7, at + 4, tick_text(tick));
    }
    for (const double tick : round_ticks(x_.low, x_.high, chart_.width / 90)) {
      if (tick != std::floor(tick)) continue;  // there is no half step
      put("<line class=\"axis\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>",
          x_.at(tick), y_.from, y_.from + 4);
      put("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
          x_.at(tick), y_.from + 18, tick_text(tick));
    }
    put("<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x_.from,
        x_.to, y_.from, y_.from);
    put("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
        (x_.from + x_.to) / 2, y_.from + 35, escape_html(chart_.x_label));
    put("<text class=\"label\" transform=\"translate(13 {:.1f}) rotate(-90)\" "
        "text-anchor=\"middle\">{}</text>",
        (y_.from + y_.to) / 2, escape_html(chart_.y_label));
  }

  void line(const Series& series) {
    const auto points = thinned(series.points);
    if (points.size() > 1) {
      std::string path;
      for (const auto& [x, y] : points) {
        fmt::format_to(std::back_inserter(path), "{}{:.1f} {:.1f}", path.empty() ? "M" : "L",
                       x_.at(x), y_.at(y));
      }
      put("<path class=\"line {}\" d=\"{}\"/>", series.style, path);
    }
    if (!series.dots && points.size() > 1) return;
    for (const auto& [x, y] : points) {
      put("<circle class=\"dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"><title>step {}: "
          "{:.4g}</title></circle>",
          series.style, x_.at(x), y_.at(y), tick_text(x), y);
    }
  }

  // One line above the plot: for each series a stroke, then its name.
  void legend() {
    double x = x_.from;
    for (const Series& series : chart_.series) {
      put("<line class=\"line {}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"14\" y2=\"14\"/>", series.style,
          x, x + 20);
      put("<text class=\"legend\" x=\"{:.1f}\" y=\"18\">{}</text>", x + 27,
          escape_html(series.name));
      x += 27 + 7.0 * static_cast<double>(series.name.size()) + 22;
    }
  }

  const Chart& chart_;
  Axis x_, y_;
  std::vector<double> y_ticks_;
  std::string out_;
};

}  // namespace

std::vector<double> round_ticks(double low, double high, int most) {
  const double raw = (high - low) / std::max(1, most);
  const double unit = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * unit;
  for (const double factor : {1.0, 2.0, 5.0}) {
    // A hair of room: 0.1 * 3 is a little more than 0.3.
    if (factor * unit >= raw * (1 - 1e-9)) {
      step = factor * unit;
      break;
    }
  }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) {
    ticks.push_back(i * step);
  }
  return ticks;
}

std::vector<double> decade_ticks(double low, double high) {
  const bool many = std::log10(high / low) > 3;
  std::vector<double> ticks;
  for (double decade = std::floor(std::log10(low)); decade <= std::log10(high); ++decade) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10, decade);
      if ((factor == 1 || !many) && tick >= low && tick <= high) ticks.push_back(tick);
    }
  }
  return ticks;
}

std::string tick_text(double value) {
  if (std::abs(value) < 1e-12) return "0";
  if (std::abs(value) < 10000) return fmt::format("{:.4g}", value);
  if (std::abs(value) >= 1e9) return fmt::format("{:.3g}", value);
  std::string digits = fmt::format("{:.0f}", std::abs(value));
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return (value < 0 ? "-" : "") + digits;
}

std::string escape_html(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string to_svg(const Chart& chart) {
  Range x, y;
  for (const Series& series : chart.series) {
    for (const auto& [px, py] : series.points) x.add(px), y.add(py);
  }
  if (x.empty()) return "";
  return Drawing(chart, x, y_range(chart, y)).draw();
}

}  // namespace pewter
