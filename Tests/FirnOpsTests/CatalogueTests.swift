import CFirnKernels
import FirnGraph
import FirnNotation
import FirnOps
import Testing

/// Parent of all suites that run kernels: one after the other, because some change the instruction set.
@Suite(.serialized)
struct OpTests {}

extension OpTests {
  /// What the catalogue promises of each op, derived from `opSamples`.
  @Suite struct CatalogueTests {
    @Test func everyOpHasASample() {
      let sampled = Set(opSamples.map(\.op.mnemonic))
      let mnemonics = OpCatalogue.standard.mnemonics
      for mnemonic in mnemonics where opsWithoutSample[mnemonic] == nil && !sampled.contains(mnemonic) {
        Issue.record("add a sample for `\(mnemonic)` in OpSamples.swift")
      }
      for mnemonic in sampled.sorted() where !mnemonics.contains(mnemonic) {
        Issue.record("add the family of `\(mnemonic)` in Catalogue.swift")
      }
    }

    @Test func mnemonicsAreUnique() {
      let mnemonics = OpCatalogue.standard.mnemonics
      #expect(Set(mnemonics).count == mnemonics.count)
    }

    @Test(arguments: opSamples) func attributesRoundTrip(_ sample: OpSample) throws {
      let op = sample.op
      let again = try OpCatalogue.standard.op(mnemonic: op.mnemonic, attributes: op.attributes)
      #expect(again.isEqual(to: op))
      #expect(again.attributes == op.attributes)
      for entry in op.attributes.entries {
        let missing = Attributes(op.attributes.entries.filter { $0.key != entry.key })
        #expect(throws: FirnError.self, "without `\(entry.key)`") {
          try OpCatalogue.standard.op(mnemonic: op.mnemonic, attributes: missing)
        }
      }
      let extra = Attributes(op.attributes.entries + (["no_such": .int(1)] as Attributes).entries)
      #expect(throws: FirnError.self) {
        try OpCatalogue.standard.op(mnemonic: op.mnemonic, attributes: extra)
      }
    }

    /// What is not descended into is neither verified nor rewritten.
    @Test(arguments: opSamples) func carriedGraphsAreDescendedInto(_ sample: OpSample) {
      for case .graph(let body) in sample.op.attributes.entries.map(\.value) {
        #expect(sample.op.asBodyOp?.body == body)
      }
    }

    @Test(arguments: opSamples) func textRoundTrips(_ sample: OpSample) throws {
      let graph = sample.graph(.f32).graph.definition
      let again = try GraphDef(parsing: graph.text, catalogue: .standard)
      #expect(again == graph)
      #expect(again.text == graph.text)
    }

    @Test(arguments: opSamples) func wrongOperandCountsAreErrors(_ sample: OpSample) throws {
      let types = sample.arrays().map { TensorType($0.dtype, Shape($0.shape)) }
      if !types.isEmpty { #expect(throws: FirnError.self) { try sample.op.resultTypes(of: []) } }
      if !(sample.op is Concat) {
        #expect(throws: FirnError.self) {
          try sample.op.resultTypes(of: types + [TensorType(.f64, [2, 3])])
        }
      }
    }

    @Test(arguments: opSamples) func flopsAreNumbersAndNotNegative(_ sample: OpSample) throws {
      let types = sample.arrays().map { TensorType($0.dtype, Shape($0.shape)) }
      let flops = sample.op.flops(of: types, results: try sample.op.resultTypes(of: types))
      #expect(try #require(flops.value) >= 0)
    }

    /// An op says that it can fail when an index out of range, a count of one or a world that is gone makes it fail,
    /// and only then.
    @Test(arguments: opSamples, [DType.f32, .f64]) func failingIsSaid(_ sample: OpSample, _ dtype: DType)
      throws
    {
      let (graph, node, arrays) = sample.graph(dtype)
      guard let op = graph.nodes[node].op as? any KernelOp else { return #expect(sample.op is Reshape) }
      let extreme = arrays.enumerated().map { index, array in
        guard case .integers = sample.operands[index] else { return array }
        return filled([Int32](repeating: .max, count: array.doubles.count), array.shape)
      }
      var failed = false
      do {
        let outputs = graph.nodes[node].types.indices.map { Value(node, $0) }
        _ = try Evaluator(graph: graph.definition, runner: KernelRunner(workers: FailingWorkers())).run(
          outputs, feeding: extreme)
      } catch {
        failed = true
      }
      if var count = op as? SampleCount {
        count.dimension = 1
        failed = (try? KernelRunner().run(count, [])) == nil
      }
      #expect(failed == op.canFail)
    }

    @Test(arguments: opSamples) func fastAgreesWithReference(_ sample: OpSample) throws {
      expectClose(try sample.results(.f32), try sample.results(.f64), sample)
    }

    @Test func everyInstructionSetAgreesWithReference() throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
        for sample in opSamples {
          expectClose(try sample.results(.f32), try sample.results(.f64), sample, name)
        }
      }
    }

    @Test(arguments: opSamples) func splittingChangesNoBit(_ sample: OpSample) throws {
      for dtype in [DType.f32, .f64] {
        let whole = try sample.results(dtype)
        for sizes in [[1, 5, 2, 11, 3], [7], [1]] {
          let pieces = try sample.results(dtype, KernelRunner(workers: OddWorkers(sizes)))
          #expect(zip(whole, pieces).allSatisfy { $0.isBitwiseEqual(to: $1) }, "\(dtype) in \(sizes)")
        }
      }
    }

    @Test(arguments: opSamples) func inPlaceGivesTheSameBits(_ sample: OpSample) throws {
      for dtype in [DType.f32, .f64] {
        let whole = try sample.results(dtype)
        let (graph, node, arrays) = sample.graph(dtype)
        guard let op = graph.nodes[node].op as? any KernelOp else { return }
        for (result, choices) in op.aliasing.inPlace(results: whole.count).enumerated() {
          for operand in choices where arrays[operand].byteCount == whole[result].byteCount {
            let over = try KernelRunner(inPlace: (result, operand)).run(op, arrays)
            let isSame = zip(over, whole).allSatisfy { $0.isBitwiseEqual(to: $1) }
            #expect(isSame, "\(dtype): result \(result) over operand \(operand)")
          }
        }
      }
    }

    @Test(arguments: opSamples) func viewsHaveNoKernelAndOthersDo(_ sample: OpSample) {
      if case .view = sample.op.aliasing {
        #expect(!(sample.op is any KernelOp))
      } else {
        #expect(sample.op is any KernelOp)
      }
    }
  }
}

/// Expects equal types, and values within the sample's tolerance; integers and truth values exactly.
func expectClose(_ fast: [NDArray], _ reference: [NDArray], _ sample: OpSample, _ note: String = "") {
  #expect(fast.count == reference.count)
  for (a, b) in zip(fast, reference) {
    #expect(a.shape == b.shape)
    #expect(a.dtype == (b.dtype == .f64 ? .f32 : b.dtype))
    var worst = 0.0
    for (x, y) in zip(a.doubles, b.doubles) where !(x == y || x.isNaN && y.isNaN) {
      let error = (x - y).magnitude / (1 + y.magnitude)
      worst = error.isNaN ? .infinity : max(worst, error)
    }
    let limit = b.dtype.isFloatingPoint ? sample.tolerance : 0
    #expect(worst <= limit, "\(sample.testDescription) \(note)")
  }
}
