"""Declares the tables of a lab with the original packages: declare.py PORT PREFIX GENERATION. Printed as the last line: "declared"."""

import json
import sys
import types

port, prefix, generation = sys.argv[1:4]


def module(name, **values):
    made = types.ModuleType(name)
    made.__dict__.update(values)
    sys.modules[name] = made
    return made


unused = lambda *args, **more: None
module("element_interface")
module("element_interface.utils", dict_to_uuid=unused, find_full_path=unused, find_root_directory=unused)
module("cv2")

import datajoint as dj

dj.config["database.host"] = "127.0.0.1"
dj.config["database.port"] = int(port)
dj.config["database.user"] = "lab"
dj.config["database.password"] = "secret"
dj.config["database.use_tls"] = False

from element_animal import subject
from element_event import trial
from element_lab import lab
from element_miniscope import miniscope
from element_session import session_with_datetime as session

linking = module("linking")
lab.activate(prefix + "lab")
for name in ("Source", "Lab", "Protocol", "User", "Project"):
    setattr(linking, name, getattr(lab, name))
subject.activate(prefix + "subject", linking_module=linking)
linking.Subject = subject.Subject
linking.Experimenter = lab.User
session.activate(prefix + "session", linking_module=linking)
linking.Session = session.Session
trial.activate(prefix + "trial", prefix + "event", linking_module=linking)

reference = dj.schema(prefix + "reference")


@reference
class Device(dj.Lookup):
    definition = """
    device : varchar(32)
    ---
    modality : varchar(64)
    description='' : varchar(256)
    """


@reference
class AnatomicalLocation(dj.Manual):
    definition = """
    recording_location_id : varchar(16)
    ---
    anatomical_description : varchar(256)
    """


if generation == "0.3":
    linking.Device = Device
    linking.AnatomicalLocation = AnatomicalLocation
    linking.get_miniscope_root_data_dir = lambda: ["/"]
    linking.get_session_directory = lambda key: ""
    miniscope.activate(prefix + "miniscope", linking_module=linking)
else:
    # Release 0.5.0 is not among the packages: tables and attributes as its documentation lists them.
    schema = dj.schema(prefix + "miniscope")
    Session = session.Session
    here = {"Session": Session, "Device": Device}

    def declare(name, tier, definition, contents=(), **parts):
        members = {"definition": definition, "contents": list(contents)}
        for part, text in parts.items():
            members[part] = type(part, (dj.Part,), {"definition": text})
        table = type(name, (tier,), members)
        schema(table, context=here)
        here[name] = table
        return table

    declare("AcquisitionSoftware", dj.Lookup, "acq_software : varchar(24)", [("Miniscope-DAQ-V3",), ("Miniscope-DAQ-V4",), ("Inscopix",)])
    declare("Channel", dj.Lookup, "channel : tinyint", [(0,), (1,), (2,), (3,), (4,)])
    declare("Recording", dj.Manual, "-> Session\nrecording_id : int\n---\n-> [nullable] Device\n-> AcquisitionSoftware\nrecording_notes='' : varchar(4095)")
    declare(
        "RecordingInfo",
        dj.Imported,
        "-> Recording\n---\nnchannels : tinyint\nnframes : int\nndepths=1 : tinyint\npx_height : smallint\npx_width : smallint\nfps : float\nrecording_datetime=null : datetime\nrecording_duration=null : float",
        Config="-> master\n---\nconfig : longblob",
        Timestamps="-> master\n---\ntimestamps : longblob",
        File="-> master\nfile_id : smallint unsigned\n---\nfile_path : varchar(255)",
    )
    declare("ProcessingMethod", dj.Lookup, "processing_method : varchar(16)\n---\nprocessing_method_desc : varchar(1000)", [("caiman", "caiman analysis suite")])
    declare("ProcessingParamSet", dj.Lookup, "paramset_idx : smallint\n---\n-> ProcessingMethod\nparamset_desc : varchar(1280)\nparam_set_hash : uuid\nparams : longblob")
    declare("MaskType", dj.Lookup, "mask_type : varchar(16)", [(name,) for name in ("soma", "axon", "dendrite", "neuropil", "artefact", "unknown")])
    declare("ProcessingTask", dj.Manual, "-> RecordingInfo\n-> ProcessingParamSet\n---\nprocessing_output_dir='' : varchar(255)\ntask_mode='load' : enum('load', 'trigger')")
    declare("Processing", dj.Computed, "-> ProcessingTask\n---\nprocessing_time : datetime\npackage_version='' : varchar(16)")
    declare(
        "MotionCorrection",
        dj.Imported,
        "-> Processing\n---\n-> Channel.proj(motion_correct_channel='channel')",
        RigidMotionCorrection="-> master\n---\noutlier_frames=null : longblob\ny_shifts : longblob\nx_shifts : longblob\nz_shifts=null : longblob\ny_std : float\nx_std : float\nz_std=null : float",
        Summary="-> master\n---\nref_image : longblob\naverage_image : longblob\ncorrelation_image=null : longblob\nmax_proj_image=null : longblob",
    )
    declare(
        "Segmentation",
        dj.Computed,
        "-> Processing",
        Mask="-> master\nmask : smallint\n---\n-> Channel.proj(segmentation_channel='channel')\nmask_npix : int\nmask_center_x : int\nmask_center_y : int\nmask_center_z=null : int\nmask_xpix : longblob\nmask_ypix : longblob\nmask_zpix=null : longblob\nmask_weights : longblob",
    )
    declare("MaskClassificationMethod", dj.Lookup, "mask_classification_method : varchar(48)", [("caiman_default_classifier",)])
    declare("MaskClassification", dj.Computed, "-> Segmentation\n-> MaskClassificationMethod", MaskType="-> master\n-> Segmentation.Mask\n---\n-> MaskType\nconfidence=null : float")
    declare(
        "Fluorescence",
        dj.Computed,
        "-> Segmentation",
        Trace="-> master\n-> Segmentation.Mask\n-> Channel.proj(fluorescence_channel='channel')\n---\nfluorescence : longblob\nneuropil_fluorescence=null : longblob",
    )
    declare("ActivityExtractionMethod", dj.Lookup, "extraction_method : varchar(32)", [("caiman_deconvolution",), ("caiman_dff",)])
    declare("Activity", dj.Computed, "-> Fluorescence\n-> ActivityExtractionMethod", Trace="-> master\n-> Fluorescence.Trace\n---\nactivity_trace : longblob")

print(json.dumps("declared"))
