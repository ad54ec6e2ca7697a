/// The files of the dashboard, embedded in the program.
enum DashboardAssets {
    static let all: [String: [UInt8]] = [
        "api.js": PackageResources.api_js,
        "app.js": PackageResources.app_js,
        "charts.js": PackageResources.charts_js,
        "docs.html": PackageResources.docs_html,
        "docs.js": PackageResources.docs_js,
        "dom.js": PackageResources.dom_js,
        "event.js": PackageResources.event_js,
        "icon.svg": PackageResources.icon_svg,
        "index.html": PackageResources.index_html,
        "letters.js": PackageResources.letters_js,
        "operations.js": PackageResources.operations_js,
        "overview.js": PackageResources.overview_js,
        "projections.js": PackageResources.projections_js,
        "streams.js": PackageResources.streams_js,
        "style.css": PackageResources.style_css,
        "tail.js": PackageResources.tail_js,
    ]
}
