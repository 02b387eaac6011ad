// report.html: what a training run did, in one file that opens anywhere: no network, no scripts,
// the charts are inline SVG that follows the reader's light or dark setting.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/json_file.h"

namespace pewter {

// From the lines of log.jsonl (log.h); lines of other kinds are passed over. Throws ErrorCode::io.
void write_report(const std::filesystem::path& path, const std::vector<io::Json>& log);
std::string report_html(const std::vector<io::Json>& log);

}  // namespace pewter
