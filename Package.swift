// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Libraries, lowest first; each may import only what stands above it here and in its own list.
let libraries: [Target] = [
  .target(
    name: "CFirnKernels",
    exclude: ["README.md"],
    linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),
  .target(name: "FirnWorlds"),
  .target(name: "FirnGraph"),
  .target(name: "FirnNotation", dependencies: ["FirnGraph"]),
  .target(name: "FirnFiles", dependencies: ["FirnGraph"]),
  .target(name: "FirnCharts", dependencies: ["FirnGraph", "FirnFiles"]),
  .target(name: "FirnOps", dependencies: ["FirnGraph", "CFirnKernels"]),
  .target(name: "FirnNN", dependencies: ["FirnGraph", "FirnOps"]),
  .target(name: "FirnCompiler", dependencies: ["FirnGraph", "FirnNotation", "FirnOps"]),
  .target(
    name: "FirnRuntime",
    dependencies: [
      "FirnWorlds", "FirnGraph", "FirnNotation", "FirnFiles", "FirnOps", "FirnCompiler", "CFirnKernels",
    ]),
  .target(
    name: "FirnFormats", dependencies: ["FirnGraph", "FirnNotation", "FirnFiles", "FirnOps", "FirnRuntime"]),
  .target(
    name: "FirnONNX",
    dependencies: ["FirnGraph", "FirnNotation", "FirnFiles", "FirnOps", "FirnRuntime", "FirnFormats"]),
  .target(
    name: "FirnTraining",
    dependencies: [
      "FirnWorlds", "FirnGraph", "FirnNotation", "FirnFiles", "FirnCharts", "FirnOps", "FirnCompiler",
      "FirnRuntime",
      "FirnFormats",
    ]),
  .target(
    name: "Firn",
    dependencies: [
      "FirnWorlds",
      "FirnGraph", "FirnNotation", "FirnFiles", "FirnCharts", "FirnOps", "FirnNN", "FirnCompiler",
      "FirnRuntime", "FirnFormats", "FirnONNX", "FirnTraining",
    ]),
]

/// What the command's demo and the examples learn from; no library sees it.
let data: [Target] = [
  .target(
    name: "FirnDigits", dependencies: ["FirnGraph", "FirnTraining"],
    resources: [.copy("Resources/digits.bin")])
]

let executables: [Target] = [
  .executableTarget(
    name: "FirnCLI",
    dependencies: [
      "FirnWorlds", "FirnDigits", "FirnGraph", "FirnNotation", "FirnFiles", "FirnCharts", "FirnOps", "FirnNN",
      "FirnCompiler", "FirnRuntime",
      "FirnFormats", "FirnONNX",
      "FirnTraining",
    ]),
  .executableTarget(
    name: "FirnBench",
    dependencies: [
      "FirnWorlds", "FirnGraph", "FirnNotation", "FirnCharts", "FirnOps", "FirnNN", "FirnCompiler",
      "FirnRuntime",
      "FirnFormats", "FirnONNX", "FirnTraining", "CFirnAllocations", "CFirnPeak",
    ]),
]

/// What some of the examples read.
let tables = ["Sunspots": "sunspots.csv", "TrainFromCSV": "leaves.csv"]

/// Programs to read, run by the project's own checks.
///
/// They import `Firn`, and `FirnDigits` for data; the modules it hands on are listed so that a change in one of them
/// builds the programs anew.
let examples: [Target] = [
  "CachedFeatures",
  "CustomCell",
  "DigitsTransfer",
  "Errors",
  "FirstSteps",
  "FreezeInputKernels",
  "FreezeOneLSTM",
  "FreezeResNet",
  "FrozenBatchNorm",
  "FrozenEmbedding",
  "GradualUnfreezing",
  "InAndOutOfPyTorch",
  "LayersLossesAndOps",
  "ManyProcesses",
  "PartialStateDict",
  "PreserveTrainRestore",
  "PretrainedEncoder",
  "ResumeTraining",
  "Sunspots",
  "ThreeLayerLSTM",
  "TrainFromCSV",
  "Translations",
  "TwoEncoders",
  "WeightsByHand",
  "WriteGraphs",
].map { name in
  .executableTarget(
    name: name,
    dependencies: [
      "Firn", "FirnDigits", "FirnWorlds", "FirnGraph", "FirnNotation", "FirnFiles", "FirnCharts", "FirnOps",
      "FirnNN",
      "FirnCompiler", "FirnRuntime",
      "FirnFormats", "FirnONNX",
      "FirnTraining",
    ], path: "Examples/\(name)", resources: tables[name].map { [.copy($0)] } ?? [])
}

/// What measuring needs; no library sees it.
let instruments: [Target] = [.target(name: "CFirnAllocations"), .target(name: "CFirnPeak")]

let tests: [Target] = [
  .target(
    name: "FirnTestSupport", dependencies: ["FirnGraph", "FirnOps"], path: "Tests/FirnTestSupport"),
  .target(
    name: "FirnToyOps", dependencies: ["FirnGraph", "FirnNotation"], path: "Tests/FirnToyOps"),
  .executableTarget(
    name: "FirnOpening",
    dependencies: [
      "FirnGraph", "FirnFiles", "FirnOps", "FirnCompiler", "FirnRuntime", "FirnFormats", "FirnONNX",
      "FirnTraining",
    ],
    path: "Tests/FirnOpening"),
  .executableTarget(name: "FirnWorldMember", dependencies: ["FirnWorlds"], path: "Tests/FirnWorldMember"),
  .testTarget(
    name: "FirnWorldsTests", dependencies: ["FirnWorlds", "FirnWorldMember", "FirnTestSupport"],
    exclude: ["install-mpi"]),
  .executableTarget(
    name: "FirnParallelMember",
    dependencies: [
      "FirnWorlds", "FirnGraph", "FirnNotation", "FirnOps", "FirnNN", "FirnCompiler", "FirnRuntime",
      "FirnTraining",
    ],
    path: "Tests/FirnParallelMember"),
  .testTarget(
    name: "FirnParallelTests",
    dependencies: [
      "FirnWorlds", "FirnGraph", "FirnNotation", "FirnOps", "FirnNN", "FirnCompiler", "FirnRuntime",
      "FirnTraining", "FirnTestSupport", "FirnParallelMember",
    ]),
  .testTarget(
    name: "FirnGraphTests", dependencies: ["FirnGraph", "FirnNotation", "FirnToyOps"], exclude: ["Fixtures"]),
  .testTarget(
    name: "FirnNotationTests", dependencies: ["FirnGraph", "FirnNotation", "FirnTestSupport", "FirnToyOps"]),
  .testTarget(name: "FirnFilesTests", dependencies: ["FirnGraph", "FirnFiles"]),
  .testTarget(name: "FirnChartsTests", dependencies: ["FirnGraph", "FirnCharts"]),
  .testTarget(
    name: "FirnOpsTests", dependencies: ["FirnOps", "FirnGraph", "FirnNotation", "CFirnKernels"],
    exclude: ["Fixtures"]),
  .testTarget(
    name: "FirnFormatsTests",
    dependencies: [
      "FirnGraph", "FirnNotation", "FirnFiles", "FirnOps", "FirnNN", "FirnCompiler", "FirnRuntime",
      "FirnFormats", "FirnONNX",
      "CFirnAllocations",
      "FirnOpening", "FirnTestSupport",
    ],
    exclude: ["Fixtures"]),
  .testTarget(
    name: "FirnONNXTests",
    dependencies: [
      "FirnGraph", "FirnNotation", "FirnFiles", "FirnOps", "FirnNN", "FirnCompiler", "FirnRuntime",
      "FirnFormats", "FirnTraining", "FirnONNX", "FirnTestSupport",
    ],
    exclude: ["Fixtures"]),
  .testTarget(
    name: "FirnCompilerTests",
    dependencies: [
      "FirnGraph", "FirnNotation", "FirnOps", "FirnNN", "FirnCompiler", "FirnTraining", "FirnTestSupport",
    ],
    exclude: ["Fixtures", "Goldens"]),
  .testTarget(
    name: "FirnRuntimeTests",
    dependencies: [
      "FirnGraph", "FirnNotation", "FirnOps", "FirnNN", "FirnCompiler", "FirnRuntime", "FirnFormats",
      "FirnTraining",
      "FirnTestSupport",
      "CFirnAllocations", "CFirnKernels",
    ]),
  .testTarget(
    name: "FirnPoolTests",
    dependencies: ["FirnWorlds", "FirnGraph", "FirnOps", "FirnCompiler", "FirnRuntime"]),
  .testTarget(
    name: "FirnTrainingTests",
    dependencies: [
      "FirnGraph", "FirnNotation", "FirnFiles", "FirnCharts", "FirnOps", "FirnNN", "FirnCompiler",
      "FirnRuntime",
      "FirnFormats", "FirnTraining", "FirnTestSupport",
    ], exclude: ["Fixtures"]),
  .testTarget(
    name: "FirnNNTests",
    dependencies: [
      "FirnGraph", "FirnNotation", "FirnCharts", "FirnOps", "FirnNN", "FirnCompiler", "FirnRuntime",
      "FirnFormats", "FirnTraining",
    ],
    exclude: ["Fixtures"]),
  .testTarget(
    name: "FirnCLITests",
    dependencies: [
      "FirnCLI", "FirnDigits", "FirnGraph", "FirnNotation", "FirnFiles", "FirnNN", "FirnCompiler",
      "FirnRuntime", "FirnFormats", "FirnONNX",
      "FirnTestSupport",
    ]),
  .testTarget(name: "FirnBenchTests", dependencies: ["FirnBench", "CFirnAllocations"]),
]

for target in libraries + data + instruments + executables + tests where target.name != "CFirnKernels" {
  target.swiftSettings = settings
  if target.type != .test { target.exclude.append("README.md") }
  if target.name == "FirnBench" { target.exclude += ["counts.json", "peers.py"] }
}

// Tests of the widest kernels where the processor has none for them; see CONTRIBUTING.
if Context.environment["FIRN_EMULATED_AVX512"] == "1" {
  for target in libraries where target.name == "CFirnKernels" {
    target.cSettings = [.define("FIRN_EMULATED_AVX512")]
  }
}

let products: [Product] = [
  .library(name: "Firn", targets: ["Firn"]),
  .executable(name: "firn", targets: ["FirnCLI"]),
  .executable(name: "firn-bench", targets: ["FirnBench"]),
]
let targets = libraries + data + instruments + executables + examples + tests

/// The targets to which `FIRN_TARGETS` restricts the package, so that a build under a sanitizer is a small one; see
/// `.ci/sanitize`.
///
/// Of `FirnFormatsTests=Fuzz,Weights/WeightFixtures.swift` only these folders and files are built, with what of the
/// target's dependencies is chosen too.
let chosen = Context.environment["FIRN_TARGETS"].map { list in
  Dictionary(
    uniqueKeysWithValues: list.split(separator: " ").map { entry in
      let parts = entry.split(separator: "=", maxSplits: 1)
      return (String(parts[0]), parts.dropFirst().first?.split(separator: ",").map { String($0) })
    })
}
if let chosen {
  for target in targets {
    guard let sources = chosen[target.name] ?? nil else { continue }
    target.sources = sources
    target.dependencies.removeAll { dependency in
      if case .byNameItem(let name, _) = dependency { chosen[name] == nil } else { false }
    }
  }
}

let package = Package(
  name: "Firn",
  platforms: [.macOS(.v15)],
  products: chosen == nil ? products : [],
  targets: targets.filter { chosen?.keys.contains($0.name) ?? true },
  swiftLanguageModes: [.v6]
)
