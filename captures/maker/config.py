"""The phone's configuration file, as CUCM 8.x writes it.

The passwords in it are dummies. They are unlike anything else in the captures,
so that a test can look for them in any output: no report may ever show them.
"""

from string import Template
from xml.sax.saxutils import escape

SSH_PASSWORD = "ssh-secret-3fVq9-never-print"
PHONE_PASSWORD = "phone-secret-8kTz2-never-print"

MEMBER = """\
<member priority="$priority">
<callManager>
<name>$name</name>
<description>$name</description>
<ports>
<ethernetPhonePort>2000</ethernetPhonePort>
<sipPort>5060</sipPort>
<securedSipPort>5061</securedSipPort>
<mgcpPorts>
<listen>2427</listen>
<keepAlive>2428</keepAlive>
</mgcpPorts>
</ports>
<processNodeName>$address</processNodeName>
</callManager>
</member>
"""

TVS_MEMBER = """\
<member priority="$priority">
<port>2445</port>
<address>$address</address>
</member>
"""

DOCUMENT = """\
<?xml version="1.0" encoding="UTF-8"?>
<device xsi:type="axl:XIPPhone" ctiid="50" uuid="{$uuid}">
<fullConfig>true</fullConfig>
<deviceProtocol>$protocol</deviceProtocol>
<sshUserId>cisco</sshUserId>
<sshPassword>$ssh_password</sshPassword>
<phonePassword>$phone_password</phonePassword>
<ipAddressMode>$address_mode</ipAddressMode>
<allowAutoConfig>true</allowAutoConfig>
<dadEnable>true</dadEnable>
<redirectEnable>false</redirectEnable>
<echoMultiEnable>false</echoMultiEnable>
<ipPreferenceModeControl>$preference</ipPreferenceModeControl>
<ipMediaAddressFamilyPreference>$preference</ipMediaAddressFamilyPreference>
<tzdata>
<tzolsonversion>2011g</tzolsonversion>
<tzupdater>tzupdate.jar</tzupdater>
</tzdata>
<mlppDomainId>000000</mlppDomainId>
<mlppIndicationStatus>Off</mlppIndicationStatus>
<preemption>Disabled</preemption>
<executiveOverridePreemptable>false</executiveOverridePreemptable>
<devicePool uuid="{1b1b9eb6-7803-11d3-bdf0-00108302ead1}">
<revertPriority>0</revertPriority>
<name>$pool</name>
<dateTimeSetting uuid="{9ec4850a-7748-11d3-bdf0-00108302ead1}">
<name>CMLocal</name>
<dateTemplate>M/D/YA</dateTemplate>
<timeZone>Eastern Standard/Daylight Time</timeZone>
<olsonTimeZone>America/New_York</olsonTimeZone>
</dateTimeSetting>
<callManagerGroup>
<name>$pool</name>
<tftpDefault>true</tftpDefault>
<members>
$members</members>
</callManagerGroup>
<srstInfo uuid="{cd241e11-4a58-4d3d-9661-f06c912a18a3}">
<name>Disable</name>
<srstOption>Disable</srstOption>
<userModifiable>false</userModifiable>
<ipAddr1></ipAddr1>
<port1>2000</port1>
<ipAddr2></ipAddr2>
<port2>2000</port2>
<ipAddr3></ipAddr3>
<port3>2000</port3>
<isSecure>false</isSecure>
</srstInfo>
<connectionMonitorDuration>120</connectionMonitorDuration>
</devicePool>
<TVS>
<members>
$tvs_members</members>
</TVS>
<MissedCallLoggingOption>10</MissedCallLoggingOption>
<commonConfig>
<sshAccess>0</sshAccess>
<sshPort>22</sshPort>
</commonConfig>
<commonProfile>
<phonePassword>$phone_password</phonePassword>
<backgroundImageAccess>true</backgroundImageAccess>
<callLogBlfEnabled>2</callLogBlfEnabled>
</commonProfile>
<vendorConfig>
<disableSpeaker>false</disableSpeaker>
<disableSpeakerAndHeadset>false</disableSpeakerAndHeadset>
<forwardingDelay>1</forwardingDelay>
<pcPort>0</pcPort>
<garp>1</garp>
<voiceVlanAccess>0</voiceVlanAccess>
<videoCapability>0</videoCapability>
<autoSelectLineEnable>0</autoSelectLineEnable>
<webAccess>1</webAccess>
<daysDisplayNotActive>1,7</daysDisplayNotActive>
<displayOnTime>07:30</displayOnTime>
<displayOnDuration>10:30</displayOnDuration>
<displayIdleTimeout>01:00</displayIdleTimeout>
<spanToPCPort>1</spanToPCPort>
<loggingDisplay>1</loggingDisplay>
<loadServer></loadServer>
<g722CodecSupport>0</g722CodecSupport>
<headsetWidebandUIControl>0</headsetWidebandUIControl>
<handsetWidebandUIControl>0</handsetWidebandUIControl>
<headsetWidebandEnable>0</headsetWidebandEnable>
<handsetWidebandEnable>0</handsetWidebandEnable>
<peerFirmwareSharing>1</peerFirmwareSharing>
<enableCdpSwPort>1</enableCdpSwPort>
<enableCdpPcPort>1</enableCdpPcPort>
<enableLldpSwPort>1</enableLldpSwPort>
<enableLldpPcPort>1</enableLldpPcPort>
<ice_nHttpKeepAlive>0</ice_nHttpKeepAlive>
<sshAccess>1</sshAccess>
</vendorConfig>
<versionStamp>1311776184-5a2c1f0e-6d1b-4b2f-9f0a-2b6f3d1c7e55</versionStamp>
<loadInformation>$load</loadInformation>
<inactiveLoadInformation></inactiveLoadInformation>
<addOnModules></addOnModules>
<phoneServices useHTTPS="true">
<provisioning>2</provisioning>
<phoneService type="1" category="0">
<name>Missed Calls</name>
<url>Application:Cisco/MissedCalls</url>
<vendor></vendor>
<version></version>
</phoneService>
<phoneService type="1" category="0">
<name>Received Calls</name>
<url>Application:Cisco/ReceivedCalls</url>
<vendor></vendor>
<version></version>
</phoneService>
<phoneService type="1" category="0">
<name>Placed Calls</name>
<url>Application:Cisco/PlacedCalls</url>
<vendor></vendor>
<version></version>
</phoneService>
<phoneService type="1" category="0">
<name>Corporate Directory</name>
<url>Application:Cisco/CorporateDirectory</url>
<vendor></vendor>
<version></version>
</phoneService>
<phoneService type="2" category="0">
<name>Voicemail</name>
<url>Application:Cisco/Voicemail</url>
<vendor></vendor>
<version></version>
</phoneService>
</phoneServices>
<userLocale>
<name>English_United_States</name>
<uid>1</uid>
<langCode>en_US</langCode>
<version>8.5.1.11900(21)</version>
<winCharSet>iso-8859-1</winCharSet>
</userLocale>
<networkLocale>United_States</networkLocale>
<networkLocaleInfo>
<name>United_States</name>
<uid>64</uid>
<version>8.5.1.11900(21)</version>
</networkLocaleInfo>
<deviceSecurityMode>$security_mode</deviceSecurityMode>
<idleTimeout>0</idleTimeout>
<authenticationURL>http://$server:8080/ccmcip/authenticate.jsp</authenticationURL>
<directoryURL>http://$server:8080/ccmcip/xmldirectory.jsp</directoryURL>
<idleURL></idleURL>
<informationURL>http://$server:8080/ccmcip/GetTelecasterHelpText.jsp</informationURL>
<messagesURL></messagesURL>
<proxyServerURL></proxyServerURL>
<servicesURL>http://$server:8080/ccmcip/getservicesmenu.jsp</servicesURL>
<secureAuthenticationURL>https://$server:8443/ccmcip/authenticate.jsp</secureAuthenticationURL>
<secureDirectoryURL>https://$server:8443/ccmcip/xmldirectory.jsp</secureDirectoryURL>
<secureIdleURL></secureIdleURL>
<secureInformationURL>https://$server:8443/ccmcip/GetTelecasterHelpText.jsp</secureInformationURL>
<secureMessagesURL></secureMessagesURL>
<secureServicesURL>https://$server:8443/ccmcip/getservicesmenu.jsp</secureServicesURL>
<dscpForSCCPPhoneConfig>96</dscpForSCCPPhoneConfig>
<dscpForSCCPPhoneServices>0</dscpForSCCPPhoneServices>
<dscpForCm2Dvce>96</dscpForCm2Dvce>
<transportLayerProtocol>$transport</transportLayerProtocol>
<dndCallAlert>5</dndCallAlert>
<phonePersonalization>0</phonePersonalization>
<rollover>0</rollover>
<singleButtonBarge>0</singleButtonBarge>
<joinAcrossLines>0</joinAcrossLines>
<autoCallPickupEnable>false</autoCallPickupEnable>
<blfAudibleAlertSettingOfIdleStation>0</blfAudibleAlertSettingOfIdleStation>
<blfAudibleAlertSettingOfBusyStation>0</blfAudibleAlertSettingOfBusyStation>
<capfAuthMode>0</capfAuthMode>
<capfList>
<capf>
<phonePort>3804</phonePort>
<processNodeName>$server</processNodeName>
</capf>
</capfList>
<certHash></certHash>
<encrConfig>false</encrConfig>
<advertiseG722Codec>1</advertiseG722Codec>
<mobility>
<handoffdn></handoffdn>
<dtmfdn></dtmfdn>
<ivrdn></ivrdn>
<dtmfHoldCode>*81</dtmfHoldCode>
<dtmfExclusiveHoldCode>*82</dtmfExclusiveHoldCode>
<dtmfResumeCode>*83</dtmfResumeCode>
<dtmfTxfCode>*84</dtmfTxfCode>
<dtmfCnfCode>*85</dtmfCnfCode>
</mobility>
<userId serviceProfileFile="sp-default.cnf.xml"></userId>
<ownerId></ownerId>
<description>$description</description>
</device>
"""


def bracketed(address):
    return f"[{address}]" if ":" in address else address


# Protocol and load of the models that appear.
MODELS = {
    "CP-7975": ("SCCP", "SCCP75.9-1-1SR1S"), "CP-7965": ("SCCP", "SCCP45.9-3-1SR4-1S"),
    "CP-7821": ("SIP", "sip78xx.12-1-1-12"), "CP-8861": ("SIP", "sip88xx.10-3-1-20"),
    "CP-8875": ("SIP", "PHONEOS.3-2-1-0105"),
}


def phone_config(phone, servers, names, tvs_servers, model="CP-7975", mixed_mode=False):
    """The plain XML for one phone. `servers` are the addresses of its
    CallManager group in order, `names` their host names."""
    def members(template, items):
        return "".join(Template(template).substitute(priority=at, **item)
                       for at, item in enumerate(items))
    six = ":" in servers[0]
    protocol, load = MODELS[model]
    return Template(DOCUMENT).substitute(
        protocol=protocol, load=load,
        uuid=f"e3c45598-476b-2f2b-b900-{phone[3:].lower()}",
        ssh_password=SSH_PASSWORD, phone_password=PHONE_PASSWORD,
        address_mode=1 if six else 0, preference=1 if six else 0, pool="Default",
        members=members(MEMBER, [dict(name=name, address=address)
                                 for name, address in zip(names, servers, strict=True)]),
        tvs_members=members(TVS_MEMBER, [dict(address=address) for address in tvs_servers]),
        # 1 none, 2 authenticated, 3 encrypted; transport 1 TCP, 2 UDP, 3 TLS.
        security_mode=3 if mixed_mode else 1, transport=3 if mixed_mode else 1,
        server=bracketed(servers[0]),
        description=escape(f"{phone} lab 2nd floor (rack 4, beside the door)"),
    ).encode("utf-8")
