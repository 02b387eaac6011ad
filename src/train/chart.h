// Line charts as inline SVG. Colours are CSS classes and variables that the page defines, so a
// chart follows the page's light or dark setting; text is real text at a size that stays readable
// when the chart is scaled.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pewter {

struct Series {
  std::string name;   // in the legend, where there is more than one series
  std::string style;  // CSS class: "raw", "main", "eval"
  std::vector<std::pair<double, double>> points;  // x ascending, y finite
  bool dots = false;                              // mark each point, with its value as a tooltip
};

struct Chart {
  std::string title;
  std::string x_label, y_label;
  std::vector<Series> series;
  bool from_zero = false;    // the y axis begins at 0; otherwise where the data asks for it
  bool logarithmic = false;  // y; all values must be above 0
  double y_most = 0;         // the y axis ends here at least (0: where the data does)
  int width = 720, height = 300;
};

// Empty if no series has a point.
std::string to_svg(const Chart& chart);

// Round numbers (1, 2 or 5 times a power of ten apart) within [low, high], at most `most` + 1 of
// them.
std::vector<double> round_ticks(double low, double high, int most);
// 1, 2 and 5 (1 alone over many decades) times the powers of ten within [low, high].
std::vector<double> decade_ticks(double low, double high);
std::string tick_text(double value);  // "0.002", "5e-05", "1,200"
std::string escape_html(const std::string& text);

}  // namespace pewter
