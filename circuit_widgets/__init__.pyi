"""The public names; `__init__.py` reads them here, and imports each at its first use."""

from . import export as export
from .analysis.attribution import (
    HeadAblation as HeadAblation,
)
from .analysis.attribution import (
    LogitAttribution as LogitAttribution,
)
from .analysis.attribution import (
    ablate_heads as ablate_heads,
)
from .analysis.attribution import (
    attribute_logits as attribute_logits,
)
from .analysis.circuits import (
    Circuit as Circuit,
)
from .analysis.circuits import (
    extract_circuit as extract_circuit,
)
from .analysis.coordination import (
    HeadCoordination as HeadCoordination,
)
from .analysis.coordination import (
    analyze_head_coordination as analyze_head_coordination,
)
from .analysis.failures import (
    Case as Case,
)
from .analysis.failures import (
    CircuitFailures as CircuitFailures,
)
from .analysis.failures import (
    FailureDiagnosis as FailureDiagnosis,
)
from .analysis.failures import (
    analyze_failures as analyze_failures,
)
from .analysis.failures import (
    diagnose_circuit_failure as diagnose_circuit_failure,
)
from .analysis.flow import (
    CrossLayerFlow as CrossLayerFlow,
)
from .analysis.flow import (
    InformationFlow as InformationFlow,
)
from .analysis.flow import (
    analyze_cross_layer_flow as analyze_cross_layer_flow,
)
from .analysis.flow import (
    trace_information_flow as trace_information_flow,
)
from .analysis.induction import (
    InductionHeads as InductionHeads,
)
from .analysis.induction import (
    InductionTrace as InductionTrace,
)
from .analysis.induction import (
    identify_induction_heads as identify_induction_heads,
)
from .analysis.induction import (
    trace_induction as trace_induction,
)
from .analysis.influence import (
    SelfInfluence as SelfInfluence,
)
from .analysis.influence import (
    compute_self_influence as compute_self_influence,
)
from .analysis.optimization import (
    Optimizations as Optimizations,
)
from .analysis.optimization import (
    suggest_circuit_optimizations as suggest_circuit_optimizations,
)
from .analysis.patching import (
    ActivationPatching as ActivationPatching,
)
from .analysis.patching import (
    patch_activations as patch_activations,
)
from .analysis.patterns import (
    ATTENTION_PATTERNS as ATTENTION_PATTERNS,
)
from .analysis.patterns import (
    AttentionPatterns as AttentionPatterns,
)
from .analysis.patterns import (
    detect_attention_pattern as detect_attention_pattern,
)
from .analysis.patterns import (
    detect_attention_patterns as detect_attention_patterns,
)
from .analysis.patterns import (
    register_pattern as register_pattern,
)
from .analysis.patterns import (
    unregister_pattern as unregister_pattern,
)
from .analysis.stability import (
    CrossModelStability as CrossModelStability,
)
from .analysis.stability import (
    TrainingStability as TrainingStability,
)
from .analysis.stability import (
    analyze_cross_model_stability as analyze_cross_model_stability,
)
from .analysis.stability import (
    analyze_training_stability as analyze_training_stability,
)
from .causal.faults import (
    Fault as Fault,
)
from .causal.faults import (
    inject_fault as inject_fault,
)
from .heads import (
    Head as Head,
)
from .models import (
    load_model as load_model,
)
from .models.pruned import (
    model_cost as model_cost,
)
from .models.pruned import (
    prune_heads as prune_heads,
)
from .models.pruned import (
    save_model as save_model,
)
from .models.recipes import (
    Load as Load,
)
from .prompts.tasks import (
    Task as Task,
)
from .results import (
    load as load,
)
from .statistics.doing import (
    TaskCheck as TaskCheck,
)
from .statistics.doing import (
    TaskFailed as TaskFailed,
)
from .statistics.doing import (
    check_task as check_task,
)
from .sweeps import (
    Failure as Failure,
)
from .sweeps import (
    Sweep as Sweep,
)
from .sweeps import (
    sweep as sweep,
)
from .sweeps import (
    sweep_items as sweep_items,
)
from .views.explorer import (
    Explorer as Explorer,
)
from .views.explorer import (
    explore as explore,
)
from .widgets.selection import (
    Selection as Selection,
)

__all__ = [
    "ATTENTION_PATTERNS",
    "ActivationPatching",
    "AttentionPatterns",
    "Case",
    "Circuit",
    "CircuitFailures",
    "CrossLayerFlow",
    "CrossModelStability",
    "Explorer",
    "Failure",
    "FailureDiagnosis",
    "Fault",
    "Head",
    "HeadAblation",
    "HeadCoordination",
    "InductionHeads",
    "InductionTrace",
    "InformationFlow",
    "Load",
    "LogitAttribution",
    "Optimizations",
    "Selection",
    "SelfInfluence",
    "Sweep",
    "Task",
    "TaskCheck",
    "TaskFailed",
    "TrainingStability",
    "ablate_heads",
    "analyze_cross_layer_flow",
    "analyze_cross_model_stability",
    "analyze_failures",
    "analyze_head_coordination",
    "analyze_training_stability",
    "attribute_logits",
    "check_task",
    "compute_self_influence",
    "detect_attention_pattern",
    "detect_attention_patterns",
    "diagnose_circuit_failure",
    "explore",
    "export",
    "extract_circuit",
    "identify_induction_heads",
    "inject_fault",
    "load",
    "load_model",
    "model_cost",
    "patch_activations",
    "prune_heads",
    "register_pattern",
    "save_model",
    "suggest_circuit_optimizations",
    "sweep",
    "sweep_items",
    "trace_induction",
    "trace_information_flow",
    "unregister_pattern",
]
