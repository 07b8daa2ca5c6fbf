// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Firn",
  platforms: [.macOS(.v15)],
  targets: [
    .target(name: "FirnGraph", exclude: ["README.md"], swiftSettings: settings)
  ],
  swiftLanguageModes: [.v6]
)
