import FirnFiles
import FirnFormats
import FirnGraph
import FirnNotation
import Foundation
import Testing

@testable import FirnCLI

/// `firn weights`, `firn weights diff` and `firn weights convert`.
@Suite struct WeightsCommandTests {
  private static let fixtures = CommandLineRunner.root + "/Tests/FirnFormatsTests/Fixtures/weights/"
  private static let cell = CommandLineRunner.root + "/Examples/Graphs/custom-cell.safetensors"

  private func write(_ arrays: [(String, NDArray)], to path: String) throws {
    try Weights(source: "test", entries: arrays.map { WeightEntry(name: $0.0, array: $0.1) }).write(to: path)
  }

  // MARK: Listing

  @Test(arguments: [
    "all.safetensors", "one.npy", "deflated.npz", "state.pt", "views.pt", "names", "names.index",
  ])
  func everyFormatIsListed(_ name: String) throws {
    let weights = try Weights(contentsOf: Self.fixtures + name)
    let result = CommandLineRunner.run("weights", Self.fixtures + name)
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    for entry in weights.entries { #expect(result.output.contains(entry.name)) }
    for skipped in weights.skipped { #expect(result.output.contains("skipped: `\(skipped.name)`")) }
    for item in weights.metadata { #expect(result.output.contains("metadata: \(item.key) = ")) }
    for line in result.output.split(separator: "\n") { #expect(DisplayText.width(of: String(line)) <= 100) }
    #expect(result.output.contains("total \(weights.entries.count)"))
  }

  @Test func tiedTensorsAreShown() {
    let result = CommandLineRunner.run("weights", Self.fixtures + "views.pt")
    #expect(result.output.contains("share storage: "))
  }

  @Test func longNamesAreNotCut() throws {
    try CommandLineRunner.withDirectory { directory in
      let names = ["weight", "bias"].map { String(repeating: "encoder/layer/", count: 4) + $0 }
      try write(names.map { ($0, NDArray([0.5, 0] as [Float])) }, to: directory + "/long.npz")
      let output = CommandLineRunner.run(["weights", "long.npz"], in: directory).output
      for name in names { #expect(output.components(separatedBy: name).count == 3) }
      #expect(!output.contains("…") && output.contains("50.0%"))
    }
  }

  @Test func aSelectionNamesTensors() throws {
    func names(_ selection: String) -> [String] {
      let result = CommandLineRunner.run(
        "weights", Self.fixtures + "state.pt", "--select", selection, "--json")
      guard let overview = try? JSONDecoder().decode(WeightsOverview.self, from: Data(result.output.utf8))
      else {
        return ["exit code \(result.code)"]
      }
      return overview.tensors.map(\.name)
    }
    #expect(names("**/bias") == ["0.bias", "1.bias"])
    #expect(names("0.weight | 1.running_var") == ["0.weight", "1.running_var"])
    #expect(names("nothing") == ["exit code 2"])
    #expect(names("./0/bias") == ["0.bias"] && names("./0.bias") == ["0.bias"])
  }

  /// Dots count as slashes in paths, and stay dots in all else that a selection says.
  @Test func selectionsAreQuotedAsWritten() throws {
    func fault(_ selection: String) -> String {
      CommandLineRunner.run("weights", Self.fixtures + "state.pt", "--select", selection).errors
    }
    #expect(fault("0.weight[0..<1]").contains("column 9: `[0..<1]` names part of a variable"))
    #expect(fault("first(1, .)").contains("`first(1, .)` is about variables"))
    #expect(fault("0.wieght").contains("`0.wieght` matches nothing"))
    #expect(fault("frozen").contains("./frozen"))
    try CommandLineRunner.withDirectory { directory in
      let one = NDArray([1] as [Float])
      try write([("frozen", one), ("a.frozen", one)], to: directory + "/a.npz")
      let line = ["weights", "a.npz", "--select", "./frozen"]
      let output = CommandLineRunner.run(line, in: directory).output
      #expect(output.contains("\nfrozen ") && output.contains("total 1") && !output.contains("a.frozen"))
    }
  }

  @Test func brokenFilesAreFaults() throws {
    try CommandLineRunner.withDirectory { directory in
      try Data("no weights".utf8).write(to: URL(fileURLWithPath: directory + "/a.safetensors"))
      var damaged = try Data(contentsOf: URL(fileURLWithPath: Self.fixtures + "deflated.npz"))
      for position in 100..<400 { damaged[position] ^= 0x55 }
      try damaged.write(to: URL(fileURLWithPath: directory + "/b.npz"))
      for name in ["a.safetensors", "b.npz", "missing.npz", Self.fixtures + "refused-legacy.pt"] {
        for line in [["weights", name], ["weights", "convert", name, "c.npz"]] {
          let result = CommandLineRunner.run(line, in: directory)
          #expect(result.code == 1 && result.output.isEmpty && result.errors.contains("error"), "\(line)")
        }
        let result = CommandLineRunner.run(["weights", "diff", Self.cell, name], in: directory)
        #expect(result.code == 2 && result.output.isEmpty && result.errors.contains("error"), "\(name)")
      }
      #expect(!FileManager.default.fileExists(atPath: directory + "/c.npz"))
    }
  }

  // MARK: Comparing

  @Test func differencesAreNamed() throws {
    try CommandLineRunner.withDirectory { directory in
      let same = NDArray([1, 2] as [Float])
      try write(
        [
          ("same", same), ("gone", same), ("shape", same), ("dtype", same), ("value", same),
          ("nan", NDArray([.nan, 1] as [Float])), ("broken", same),
        ], to: directory + "/a.npz")
      try write(
        [
          ("broken", NDArray([1, .nan] as [Float])), ("nan", NDArray([.nan, 1.25] as [Float])),
          ("value", NDArray([1, 2.5] as [Float])), ("dtype", NDArray([1, 2] as [Double])),
          ("shape", try NDArray(zeros: [2, 1])), ("same", same), ("new", same),
        ], to: directory + "/b.safetensors")
      let line = ["weights", "diff", "a.npz", "b.safetensors"]
      let result = CommandLineRunner.run(line, in: directory)
      #expect(result.code == 1)
      #expect(result.output.contains("1 identical, 7 different"))
      let json = CommandLineRunner.run(line + ["--json"], in: directory).output
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      let rows = try decoder.decode(WeightsDifference.self, from: Data(json.utf8)).rows
      #expect(rows.map(\.name) == ["gone", "shape", "dtype", "value", "nan", "broken", "new"])
      #expect(rows.map(\.change) == [.missing, .shape, .dtype, .value, .value, .value, .added])
      #expect(rows.map(\.largest) == [nil, nil, 0, 0.5, 0.25, .infinity, nil])
      #expect(rows[3].relative == 0.25)

      let tolerant = CommandLineRunner.run(line + ["--tolerance", "0.5"], in: directory)
      #expect(tolerant.code == 1 && tolerant.output.contains("1 identical, 2 within tolerance, 5 different"))
      let some = line + ["--select", "same | value", "--tolerance"]
      #expect(CommandLineRunner.run(some + ["0.5"], in: directory).code == 0)
      #expect(CommandLineRunner.run(some + ["0.49"], in: directory).code == 1)
      #expect(CommandLineRunner.run(some + ["-1"], in: directory).code == 2)
      #expect(CommandLineRunner.run(["weights", "diff", "a.npz", "a.npz"], in: directory).code == 0)
    }
  }

  // MARK: Converting

  @Test(arguments: [
    ("state.pt", "a.safetensors"), ("state.pt", "a.npz"), ("names", "a.safetensors"), ("stored.npz", "a.npz"),
    ("all.safetensors", "a.safetensors"), ("one.npy", "a.npy"), ("views.pt", "a.safetensors"),
  ])
  func convertedFilesAreTheSame(_ source: String, _ target: String) throws {
    try CommandLineRunner.withDirectory { directory in
      let path = Self.fixtures + source
      let result = CommandLineRunner.run(["weights", "convert", path, target], in: directory)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      let (read, copy) = (try Weights(contentsOf: path), try Weights(contentsOf: directory + "/" + target))
      #expect(copy.entries.count == read.entries.count)
      for entry in read.entries {
        let other = read.entries.count == 1 ? copy.entries[0] : try #require(copy[entry.name])
        #expect(other.storedType == entry.storedType && other.shape == entry.shape)
        let (a, b) = (try entry.storedBytes(), try other.storedBytes())
        #expect(a.withUnsafeBytes { a in b.withUnsafeBytes { a.elementsEqual($0) } }, "\(entry.name)")
      }
    }
  }

  /// A file converted in the shell is the one a program makes by the same maps.
  @Test func mapsAreThoseOfPrograms() throws {
    let path = CommandLineRunner.root + "/Tests/FirnFormatsTests/Fixtures/checkpoints/parallel.pth"
    let map = NameMap.prefix("state_dict.module.").then(.torchvisionResNet)
    let wanted = try Weights(contentsOf: path).mapped(by: map)
    try CommandLineRunner.withDirectory { directory in
      for name in ["a.safetensors", "a.npz", "a.pth"] {
        let result = CommandLineRunner.run(
          ["weights", "convert", path, name, "--map", "state_dict.module.=", "--map", "torchvision-resnet"],
          in: directory)
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        let copy = try Weights(contentsOf: directory + "/" + name)
        #expect(copy.entries.map(\.name).sorted() == wanted.weights.entries.map(\.name).sorted())
        #expect(
          copy["bn/beta"] != nil && copy["bn/batch_count"]?.storedType == .i64 && wanted.ignored.isEmpty)
        for entry in wanted.weights.entries {
          #expect(try copy[entry.name]?.array().isBitwiseEqual(to: entry.array()) == true, "\(entry.name)")
        }
      }
    }
  }

  /// What a wrapper put before names is said once, with what takes it away; where it is gone, nothing is.
  @Test(arguments: [
    ("parallel.pth", "state_dict.module.", 10), ("lightning.ckpt", "state_dict.model.", 10),
    ("compiled-parallel.pth", "_orig_mod.module.", 10), ("lstm.pth", nil, 0), ("nested.pth", nil, 0),
  ])
  func wrappersAreNamed(_ name: String, _ beginning: String?, _ count: Int) throws {
    let path = CommandLineRunner.root + "/Tests/FirnFormatsTests/Fixtures/checkpoints/" + name
    let hint = beginning.map { "\(count) names begin with `\($0)`: `--map \($0)=` takes that away" }
    try CommandLineRunner.withDirectory { directory in
      let listed = CommandLineRunner.run(["weights", path], in: directory)
      let converted = CommandLineRunner.run(
        ["weights", "convert", path, "a.safetensors", "--map", "pytorch"], in: directory)
      for result in [listed, converted] {
        #expect(result.code == 0, "\(result.errors)")
        let words = result.output.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        #expect(words.contains(hint ?? "names begin with") == (hint != nil), "\(result.output)")
      }
      guard let beginning else { return }
      let bare = CommandLineRunner.run(
        ["weights", "convert", path, "b.safetensors", "--map", "\(beginning)=", "--map", "pytorch"],
        in: directory)
      #expect(bare.code == 0 && !bare.output.contains("names begin with"), "\(bare.output)")
    }
  }

  @Test func mapsFollowOneAnother() throws {
    try CommandLineRunner.withDirectory { directory in
      let result = CommandLineRunner.run(
        [
          "weights", "convert", Self.fixtures + "state.pt", "a.safetensors", "--map", "pytorch", "--map",
          "=model/", "--dtype", "bf16",
        ], in: directory)
      #expect(result.code == 0 && !result.output.contains("left out"), "\(result.errors)")
      let copy = try Weights(contentsOf: directory + "/a.safetensors")
      let kernel = try #require(copy["model/0/kernel"])
      #expect(kernel.shape == [3, 2] && kernel.storedType == .bf16)
      #expect(copy["model/1/moving_mean"] != nil && copy.entries.count == 7)
      #expect(copy["model/1/batch_count"]?.storedType == .i64)
    }
  }

  @Test(arguments: [
    (["a.npz", "a.npz"], "is the file that is read"), (["a.npz", "link.npz"], "is the file that is read"),
    (["a.npz", "b.index"], "no ending"), (["a.npz", "b"], "no ending"),
    (["a.npz", "b.npz", "--map", "pytorhc"], "did you mean pytorch?"),
    (["a.npz", "b.npz", "--map", "a=b=c"], "is no map"), (["a.npz", "b.npz", "--dtype", "f8"], "f8"),
    (["a.npz", "b.npy"], "holds one array"), (["a.npz", "b.npz", "--map", "x=y"], "both called"),
    (["a.npz", "b.npz", "--select", "z"], "matches nothing"), (["a.npz"], "FILE_B"),
    (["a.npz", "b.npz", "--dtype", "f16"], "beyond f16"),
  ])
  func faultsOfTheLineWriteNothing(_ arguments: [String], _ says: String) throws {
    try CommandLineRunner.withDirectory { directory in
      try write(
        [("x", NDArray([1 as Float])), ("y", NDArray([1e6 as Float]))], to: directory + "/a.npz")
      try FileManager.default.createSymbolicLink(
        atPath: directory + "/link.npz", withDestinationPath: directory + "/a.npz")
      let before = try Data(contentsOf: URL(fileURLWithPath: directory + "/a.npz"))
      let result = CommandLineRunner.run(["weights", "convert"] + arguments, in: directory)
      #expect(result.code == 2 && result.output.isEmpty && result.errors.contains(says), "\(result.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: directory + "/a.npz")) == before)
      let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      #expect(files == ["a.npz", "link.npz"])
    }
  }

  @Test(arguments: ["weights", "weights diff", "weights convert"])
  func helpHasAnExample(_ command: String) {
    for line in [command.split(separator: " ").map(String.init) + ["--help"], ["help", command]] {
      let words = line.flatMap { $0.split(separator: " ").map(String.init) }
      let help = CommandLineRunner.run(words)
      #expect(help.code == 0 && help.output.contains("EXAMPLES\n  # "))
      #expect(help.output.contains("firn \(command) "))
    }
  }

  @Test func shortNumbers() {
    let cases: [(Double, String)] = [
      (0, "0"), (1, "1"), (-2.25, "-2.25"), (0.012345, "0.0123"), (65504, "65504"), (123456, "1.23e+05"),
      (0.000_999_6, "0.001"), (9.999e-5, "1.00e-04"), (-.infinity, "-inf"), (1.5e-300, "1.50e-300"),
      (99.96, "100"),
    ]
    for (value, text) in cases { #expect(NumberFormat.short(value) == text) }
  }
}
